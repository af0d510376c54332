simple
commit "feat: leak hunter2hunter2" c
