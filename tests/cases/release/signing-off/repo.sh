simple
command git config commit.gpgSign true
command git config tag.gpgSign true
command git config gpg.program false
