commit 'feat: one'
