//! The cage that the child closes around itself before it looks at the first foreign byte.
//!
//! In this order: it dies with its parent and cannot be traced; limits of memory, time and files;
//! Landlock, after which only the scratch folder can be opened and no port be reached; seccomp, after which
//! only the listed system calls work and all others answer `EPERM`. None can be taken back. What the kernel
//! lacks is written into the [`SandboxReport`].

use std::path::Path;

use crate::plan::{Bar, SandboxReport};
use crate::protocol::Cage;

/// Closes the cage. Must be called while the process has one thread.
pub(crate) fn restrict(folder: &Path, cage: &Cage) -> SandboxReport {
    let inherited_files = inherited();
    let process = process();
    let limits = limits(cage);
    let (files, ports) = landlock_bars(folder);
    let system_calls = seccomp_bar();
    // Without a socket there is no network; Landlock alone keeps only TCP away.
    let network = match (&system_calls, ports) {
        (Bar::Held, _) => Bar::Held,
        (_, Bar::Held) => Bar::Partly("only TCP is cut off".to_owned()),
        (other, _) => other.clone(),
    };
    SandboxReport { files, network, system_calls, limits, process, inherited_files }
}

/// Number of threads of this process; `None` where the system does not tell.
pub(crate) fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

fn inherited() -> Option<u32> {
    let mut found = 0;
    for entry in std::fs::read_dir("/proc/self/fd").ok()? {
        let number: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        found += u32::from(number > 2);
    }
    // One of them is the listing itself.
    Some(found - 1)
}

#[cfg(target_os = "linux")]
fn process() -> Bar {
    use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
    let steps = [
        ("dying with the parent", set_parent_process_death_signal(Some(Signal::KILL))),
        ("not being traced", set_dumpable_behavior(DumpableBehavior::NotDumpable)),
    ];
    all_of(&steps)
}

#[cfg(not(target_os = "linux"))]
fn process() -> Bar {
    Bar::Missing("this system has no such call".to_owned())
}

fn limits(cage: &Cage) -> Bar {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let hard = |resource, soft: u64, hard: u64| {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
    };
    let steps = [
        ("no core dump", hard(Resource::Core, 0, 0)),
        ("open files", hard(Resource::Nofile, cage.open_files, cage.open_files)),
        ("file size", hard(Resource::Fsize, cage.file_bytes, cage.file_bytes)),
        // The soft limit tells the parent why (SIGXCPU), the hard one ends it for certain.
        ("processor time", hard(Resource::Cpu, cage.cpu_seconds, cage.cpu_seconds + 1)),
        ("memory", hard(Resource::As, cage.memory_bytes, cage.memory_bytes)),
    ];
    all_of(&steps)
}

fn all_of(steps: &[(&str, rustix::io::Result<()>)]) -> Bar {
    let missing: Vec<String> = steps
        .iter()
        .filter_map(|(name, result)| result.err().map(|error| format!("{name}: {error}")))
        .collect();
    match missing.len() {
        0 => Bar::Held,
        all if all == steps.len() => Bar::Missing(missing.join("; ")),
        _ => Bar::Partly(missing.join("; ")),
    }
}

/// Bars of files and of TCP ports.
#[cfg(target_os = "linux")]
fn landlock_bars(folder: &Path) -> (Bar, Bar) {
    match landlock_applied(folder) {
        Ok(bars) => bars,
        Err(reason) => (Bar::Missing(reason.clone()), Bar::Missing(reason)),
    }
}

#[cfg(target_os = "linux")]
fn landlock_applied(folder: &Path) -> Result<(Bar, Bar), String> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
        RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    };
    // The newest interface whose rights are handled here; older kernels enforce what they know.
    const WANTED: ABI = ABI::V6;
    let said = |error: &dyn std::fmt::Display| error.to_string();
    // Ordinary files of its own, which it renames in place; no links, devices, sockets or programs.
    let inside: BitFlags<AccessFs> = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::RemoveFile
        | AccessFs::Refer;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(WANTED))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(WANTED)))
        .and_then(|rules| rules.scope(Scope::AbstractUnixSocket | Scope::Signal))
        .and_then(Ruleset::create)
        .map_err(|error| said(&error))?
        .add_rule(PathBeneath::new(PathFd::new(folder).map_err(|error| said(&error))?, inside))
        .map_err(|error| said(&error))?
        .restrict_self()
        .map_err(|error| said(&error))?;
    let version = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        _ => 0,
    };
    let files = match status.ruleset {
        RulesetStatus::FullyEnforced => Bar::Held,
        // Version 3 is the last that added a right over files' contents (truncation).
        RulesetStatus::PartiallyEnforced if version >= 3 => Bar::Held,
        RulesetStatus::PartiallyEnforced => Bar::Partly(format!("Landlock version {version} of 3")),
        RulesetStatus::NotEnforced => Bar::Missing("the kernel has no Landlock, or it is off".to_owned()),
    };
    // Ports are handled from version 4 on.
    let ports =
        if version >= 4 { Bar::Held } else { Bar::Missing(format!("Landlock version {version} of 4")) };
    Ok((files, ports))
}

#[cfg(not(target_os = "linux"))]
fn landlock_bars(_: &Path) -> (Bar, Bar) {
    let bar = Bar::Missing("only Linux has Landlock".to_owned());
    (bar.clone(), bar)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn seccomp_bar() -> Bar {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
    let apply = || -> Result<(), String> {
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
        let rules = CALLS.iter().map(|call| (*call, Vec::new())).collect();
        let refused = SeccompAction::Errno(rustix::io::Errno::PERM.raw_os_error().unsigned_abs());
        let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)
            .map_err(|error| error.to_string())?;
        let program = BpfProgram::try_from(filter).map_err(|error| error.to_string())?;
        apply_filter(&program).map_err(|error| error.to_string())
    };
    match apply() {
        Ok(()) => Bar::Held,
        Err(reason) => Bar::Missing(reason),
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn seccomp_bar() -> Bar {
    Bar::Missing("there is no list of system calls for this system".to_owned())
}

/// Everything that decoding in one thread, encoding and writing files needs. Missing with intent: every
/// call that makes a socket, process, thread, mount, key, trace or link, `io_uring`, signals to others (`abort`
/// then ends by an illegal instruction) and `prlimit64` and `chmod`, which Landlock does not judge.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
const CALLS: &[i64] = &[
    // Reading and writing what is open.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_close,
    libc::SYS_dup,
    // Files of the scratch folder; Landlock decides which.
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // The thread itself, time, chance and the end.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];
