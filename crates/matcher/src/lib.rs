//! Hold advisories against an inventory: findings with evidence.
