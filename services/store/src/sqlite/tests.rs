//! Tests of what only this adapter can show: group commit, crashes, a full disk.
