simple
commit=$(git rev-parse HEAD)
mkdir docs dist
printf '# Rollback\n\nThe database stays as it is.\n' >docs/rollback.md
echo app >dist/app.tgz
sha256sum dist/app.tgz >dist/SHA256SUMS
printf 'SF:a\nLF:10\nLH:9\nend_of_record\n' >lcov.info
echo '0 pending' >migrations
echo '2026-02-03T01:50:00Z 73400320 app.dump' >backup
echo '{"at": "2026-02-02T12:00:00Z", "who": "dana"}' >on-call.json
echo signed >signature
printf -- '- [x] **Code review**: done\n- [ ] Party\n' >checklist.md
cat >approvals.json <<EOF
[{"person": "alice", "at": "2026-02-02T10:00:00Z", "commit": "$commit"},
 {"person": "bob", "at": "2026-02-02T11:00:00Z", "commit": "$commit"}]
EOF
mkdir -p .git/info
printf '*\n!release-steps.yml\n' >.git/info/exclude
