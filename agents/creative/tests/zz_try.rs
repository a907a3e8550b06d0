//! Prints scripts of briefs, for reading.
use spotwright_creative::copywriter::{Request, write};
use spotwright_schemas::brief::Brief;

#[test]
#[ignore = "for reading by eye"]
fn print_scripts() {
    for path in std::env::var("BRIEFS").unwrap().split(':') {
        let brief = Brief::from_yaml(&std::fs::read(path).unwrap()).unwrap();
        let n = std::env::var("N").map_or(6, |n| n.parse().unwrap());
        let start = std::time::Instant::now();
        let scripts = write(&Request { brief: &brief, scripts: n, structures: &[], avoid: &[], seed: 1 });
        eprintln!("\n==== {} {} scripts, {:?}", brief.id, scripts.len(), start.elapsed());
        for (n, script) in scripts.iter().enumerate() {
            eprintln!("-- {} {:?} | {}", n + 1, script.structure, script.idea);
            for line in &script.lines {
                eprintln!(
                    "   {:?}: {} | {} | “{}” [{}]",
                    line.role, line.caption, line.detail, line.voice, line.provenance.model
                );
            }
        }
    }
}
