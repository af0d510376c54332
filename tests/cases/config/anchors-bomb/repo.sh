simple
