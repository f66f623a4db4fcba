//! Where events come from.

/// A kind of events. A rule is about one of them, and each has fields of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// What processes do, as a sensor sees it.
    Syscall,
    /// What a Kubernetes API server is asked for, as its audit log tells it.
    K8sAudit,
}

impl Source {
    pub const ALL: &[Self] = &[Self::Syscall, Self::K8sAudit];

    /// As rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syscall => "syscall",
            Self::K8sAudit => "k8s_audit",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|source| source.name() == name)
    }
}
