https://hooks.slaINERTck.com/services/TQ4VZ7MLD/BQ4VZ7MLD/aK7pQ2xV9mZ4tW8rNb5Vx1Gd
