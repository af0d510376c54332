simple
commit "docs(web): not allowed" c
commit "fix(api): $(printf 'x%.0s' {1..100})" d
