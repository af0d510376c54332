echo DATABASE_URL= > .env.example; commit "feat: first"
