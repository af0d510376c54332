printf "{\n  \"name\": \"root\",\n  \"private\": true,\n  \"workspaces\": [\"packages/*\"]\n}\n" > package.json
npm core 1.0.0 packages/core
npm ui 1.0.0 packages/ui
mkdir -p packages/app
printf "{\n  \"name\": \"app\",\n  \"version\": \"2.0.0\",\n  \"dependencies\": {\n    \"core\": \"1.0.0\",\n    \"left\": \"1.0.0\"\n  }\n}\n" > packages/app/package.json
commit 'feat: all'
