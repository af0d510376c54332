npm demo 1.0.0
commit "feat: a" a
tag v1.0.0
commit 'feat: {{ 7 * 7 }} {% raw %} <script>alert(1)</script> [x](javascript:y) `code` *b* _u_ #1' b
commit "$(printf 'fix: \033[31mred\033[0m \033]8;;http://evil\007link\033]8;;\007 \r over')" c
commit "$(printf 'fix: right\xe2\x80\xaeoverride \xe2\x80\x8b zero')" d
commit "$(printf 'fix(sc\033[1mope): body\n\nBREAKING CHANGE: \033[2J{{ config }} {# c #}\n## [9.9.9] - 2020-01-01')" e
commit "not conventional at all" f
commit "feat no colon" g
