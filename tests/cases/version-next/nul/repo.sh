commit "feat: a" a
tag v1.0.0
tree=$(command git rev-parse 'HEAD^{tree}')
parent=$(command git rev-parse HEAD)
id=$(printf 'tree %s\nparent %s\nauthor A <a@b> 1767225900 +0000\ncommitter A <a@b> 1767225900 +0000\n\nfeat: with\0null\n\nbody\0\n' "$tree" "$parent" | command git hash-object -t commit -w --stdin --literally)
command git update-ref refs/heads/main "$id"
