//! Turn files into an inventory: one file a format, one explicit list.
