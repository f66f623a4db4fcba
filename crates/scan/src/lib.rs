//! The façade: a target in, a scan result out; layer cache; no judgement.
