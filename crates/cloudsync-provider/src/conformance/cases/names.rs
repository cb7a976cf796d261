//! Names: odd, long, forbidden, and the same but for case or form.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused, request};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{
    CASE_INSENSITIVE, CASE_SENSITIVE, FOLDER_MOVE, FORBIDDEN, KEEPS_FORMS, NORMALIZES, SHORT_NAMES,
    WINDOWS_NAMES,
};
use crate::{Attributes, ErrorKind, Expect, Kind, ObjectRef, Target};

pub(super) const CASES: &[Case] = &[
    case!(odd_names_are_names, "P026", &[]),
    case!(what_is_no_name_is_rejected, "", &[]),
    case!(long_names_are_rejected, "", &[SHORT_NAMES]),
    case!(forbidden_characters_are_rejected, "P026", &[FORBIDDEN]),
    case!(windows_names_are_rejected, "", &[WINDOWS_NAMES]),
    case!(case_makes_two_names, "P023", &[CASE_SENSITIVE]),
    case!(case_makes_no_two_names, "P023", &[CASE_INSENSITIVE]),
    case!(case_of_a_file_can_be_changed, "P023", &[]),
    case!(case_of_a_folder_can_be_changed, "P023", &[FOLDER_MOVE]),
    case!(unicode_forms_make_two_names, "", &[KEEPS_FORMS]),
    case!(unicode_forms_make_no_two_names, "", &[NORMALIZES]),
];

async fn odd_names_are_names(bench: &mut Bench<'_>) -> Outcome {
    let rules = bench.provider.capabilities().rules.names;
    let printable: String = (' '..='~')
        .filter(|&c| c != '/' && !rules.forbidden.contains(c))
        .collect();
    // Kept under 50 bytes, and with letters at both ends, where Windows' rules have nothing against.
    let mut names: Vec<String> = Vec::new();
    let characters: Vec<char> = printable.chars().collect();
    for part in characters.chunks(40) {
        names.push(format!("x{}y", part.iter().collect::<String>()));
    }
    names.extend(
        [
            "ü",
            "日本語",
            "🦀",
            ".hidden",
            "a..b",
            "a b",
            "x\u{1f468}\u{200d}\u{1f469}y",
        ]
        .map(String::from),
    );
    if !rules.windows {
        names.extend([" ", " a ", "...", "a.", "~", "-"].map(String::from));
    }
    names.retain(|name| name.len() <= rules.max_name_bytes);
    for name in &names {
        let odd = bench.folder(name).await?;
        ensure_eq!(
            bench.find(name).await?.map(|f| f.name).as_ref(),
            Some(name),
            "name told"
        );
        let path = format!("{name}/{name}");
        let file = bench.file(&path, name.as_bytes()).await?;
        ensure_eq!(
            bench.content(&path).await?,
            name.as_bytes(),
            "content of {path:?}"
        );
        let plain = bench.rename(&file, "plain").await?;
        bench.delete(&odd).await?;
        let again = bench.rename(&plain, name).await?;
        ensure_eq!(bench.names().await?, [name.as_str()], "names");
        bench.delete(&again).await?;
    }
    Ok(())
}

/// No call takes such a name, and none does anything.
async fn rejected(bench: &Bench<'_>, names: &[String]) -> Outcome {
    let file = bench.file("plain", b"x").await?;
    let kinds = &[ErrorKind::NameRejected];
    for name in names {
        let target = Target {
            folder: ObjectRef::root(),
            name: name.clone(),
        };
        let write = bench
            .provider
            .write(request(target.clone(), Expect::Free, b"x"));
        refused(write.await, kinds, &format!("file {name:?}"))?;
        let folder = bench.provider.create_folder(&target, Attributes::default());
        refused(folder.await, kinds, &format!("folder {name:?}"))?;
        let rename = bench.provider.rename(&file.at, Some(file.tag()), &target);
        refused(rename.await, kinds, &format!("renaming to {name:?}"))?;
    }
    ensure_eq!(bench.names().await?, ["plain"], "names");
    Ok(())
}

async fn what_is_no_name_is_rejected(bench: &mut Bench<'_>) -> Outcome {
    let names = ["", ".", "..", "a/b", "/", "a/", "/a", "a\0b", "\0"];
    rejected(bench, &names.map(String::from)).await
}

async fn long_names_are_rejected(bench: &mut Bench<'_>) -> Outcome {
    let limit = bench.provider.capabilities().rules.names.max_name_bytes;
    let longest = "x".repeat(limit);
    let file = bench.file(&longest, b"x").await?;
    ensure_eq!(
        bench.content(&longest).await?,
        "x",
        "content of the longest name"
    );
    bench.delete(&file).await?;
    // Over by one byte, also in characters of two.
    let wide = format!(
        "{}{}",
        "ü".repeat(limit / 2),
        if limit.is_multiple_of(2) { "x" } else { "ü" }
    );
    rejected(bench, &["x".repeat(limit + 1), wide]).await
}

async fn forbidden_characters_are_rejected(bench: &mut Bench<'_>) -> Outcome {
    let forbidden = bench.provider.capabilities().rules.names.forbidden;
    let names: Vec<String> = forbidden.chars().map(|c| format!("a{c}b")).collect();
    rejected(bench, &names).await
}

async fn windows_names_are_rejected(bench: &mut Bench<'_>) -> Outcome {
    let names = ["CON", "nul.txt", "Com1", "a.", "a "].map(String::from);
    rejected(bench, &names).await
}

async fn case_makes_two_names(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"small").await?;
    ensure_eq!(bench.find("A").await?, None, "the other case");
    bench.file("A", b"large").await?;
    bench.folder("D").await?;
    bench.folder("d").await?;
    ensure_eq!(bench.names().await?, ["A", "D", "a", "d"], "names");
    ensure_eq!(bench.content("a").await?, "small", "content");
    Ok(())
}

async fn case_makes_no_two_names(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("Name", b"x").await?;
    bench.folder("Folder").await?;
    bench.file("Folder/a", b"y").await?;
    for name in ["name", "NAME", "folder"] {
        let target = bench.target(name).await?;
        let write = bench
            .provider
            .write(request(target.clone(), Expect::Free, b"z"));
        refused(write.await, &[ErrorKind::AlreadyExists], name)?;
        let folder = bench.provider.create_folder(&target, Attributes::default());
        refused(folder.await, &[ErrorKind::AlreadyExists], name)?;
    }
    let found = bench.find("nAME").await?;
    ensure_eq!(
        found.as_ref().map(|found| found.name.as_str()),
        Some("Name"),
        "case kept"
    );
    ensure_eq!(
        bench.content("FOLDER/A").await?,
        "y",
        "below a folder of another case"
    );
    let target = bench.target("NAME").await?;
    let write = request(target, file.unchanged(), b"over");
    bench.provider.write(write).await?;
    ensure_eq!(
        bench.names().await?,
        ["Folder", "Name"],
        "names after writing over"
    );
    ensure_eq!(
        bench.content("Name").await?,
        "over",
        "content after writing over"
    );
    Ok(())
}

async fn case_of_a_file_can_be_changed(bench: &mut Bench<'_>) -> Outcome {
    let sensitive = bench.provider.capabilities().rules.names.case_sensitive;
    let file = bench.file("name", b"x").await?;
    bench.rename(&file, "NAME").await?;
    ensure_eq!(bench.names().await?, ["NAME"], "names");
    ensure_eq!(
        bench.find("NAME").await?.map(|f| f.name),
        Some("NAME".into()),
        "name told"
    );
    ensure_eq!(
        bench.find("name").await?.is_none(),
        sensitive,
        "whether the old case is gone"
    );
    ensure_eq!(bench.content("NAME").await?, "x", "content");
    Ok(())
}

async fn case_of_a_folder_can_be_changed(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("folder").await?;
    bench.file("folder/a", b"x").await?;
    let renamed = bench.rename(&folder, "FOLDER").await?;
    ensure_eq!(renamed.observed.kind, Kind::Folder, "kind");
    ensure_eq!(bench.names().await?, ["FOLDER"], "names");
    ensure_eq!(bench.content("FOLDER/a").await?, "x", "content");
    Ok(())
}

const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

async fn unicode_forms_make_two_names(bench: &mut Bench<'_>) -> Outcome {
    bench.file(COMPOSED, b"one").await?;
    ensure_eq!(bench.find(DECOMPOSED).await?, None, "the other form");
    bench.file(DECOMPOSED, b"two").await?;
    ensure_eq!(bench.names().await?.len(), 2, "names");
    ensure_eq!(bench.content(COMPOSED).await?, "one", "content");
    Ok(())
}

async fn unicode_forms_make_no_two_names(bench: &mut Bench<'_>) -> Outcome {
    bench.file(COMPOSED, b"one").await?;
    let target = bench.target(DECOMPOSED).await?;
    let write = bench.provider.write(request(target, Expect::Free, b"two"));
    refused(write.await, &[ErrorKind::AlreadyExists], "the other form")?;
    ensure_eq!(
        bench.content(DECOMPOSED).await?,
        "one",
        "content by the other form"
    );
    ensure!(bench.names().await?.len() == 1, "two names");
    Ok(())
}
