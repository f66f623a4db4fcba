//! How Python's packages are called: `Flask_Login`, `flask.login` and `flask-login` are one
//! (PEP 503, "Normalized Names").

/// The one spelling: lower case, and each run of `-`, `_` and `.` a single `-`.
pub(crate) fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normalized.is_empty() {
            normalized.push('-');
        }
        normalized.push_str(&part.to_lowercase());
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one() {
        for name in ["Flask_Login", "flask.login", "flask-login", "FLASK--_.login"] {
            assert_eq!(normalized(name), "flask-login");
        }
        assert_eq!(normalized("é"), "é");
        assert_eq!(normalized("..."), "");
    }
}
