simple
command git checkout -q -b topic
commit "feat: topic" t
