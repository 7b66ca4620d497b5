//! The exit codes, one list for all commands. Scripts branch on them, so a code never changes
//! meaning.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked.
    Success,
    /// 1: it worked, and the answer is no: a guarantee was violated, bad lines were skipped.
    Negative,
    /// 2: the command line or an input was refused.
    Refused,
    /// 3: the cluster could not be reached, or it refused.
    Cluster,
    /// 4: it stopped half-way: some records were not acknowledged, or not committed.
    Partial,
    /// 130: Ctrl-C or SIGTERM came before the end.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Negative => 1,
            Self::Refused => 2,
            Self::Cluster => 3,
            Self::Partial => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
