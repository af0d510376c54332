printf '{\r\n\t"name": "demo",\r\n\t"version" : "1.2.3",\r\n\t"x": [1,2]\r\n}' >package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
