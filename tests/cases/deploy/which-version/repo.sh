deployable

commit "fix: more"
