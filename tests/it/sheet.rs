//! Spreadsheets of users, as other programs and people write them.

use portico::sheet::field::Field;
use portico::sheet::{self, Cell, Encoding, Format, IdSource, Options, Row, Sheet};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format as Look, Formula, Workbook};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn fixture(name: &str) -> PathBuf {
    Path::new("tests/fixtures/sheets").join(name)
}

fn read(bytes: impl AsRef<[u8]>) -> Sheet {
    sheet::read(bytes.as_ref(), &Options::default()).unwrap()
}

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    sheet::read(bytes.as_ref(), &Options::default()).unwrap_err().to_string()
}

fn text<'a>(row: &'a Row, field: &Field) -> &'a str {
    row.text(field).unwrap_or("")
}

/// A file as a person would be told of it.
fn told(sheet: &Sheet) -> String {
    let mut told = String::new();
    for column in &sheet.columns {
        match column.field() {
            Some(field) => writeln!(told, "{} = {field}", column.heading).unwrap(),
            None => writeln!(told, "{} : {:?}", column.heading, column.used).unwrap(),
        }
    }
    for notice in &sheet.notices {
        writeln!(told, "! {notice}").unwrap();
    }
    for row in &sheet.rows {
        writeln!(told, "\nline {}", row.line).unwrap();
        if let Some(why) = &row.skip {
            writeln!(told, "  skipped: {why}").unwrap();
        }
        for (field, cell) in &row.cells {
            match cell {
                Cell::Set(text) => writeln!(told, "  {field} = {text}").unwrap(),
                Cell::Clear => writeln!(told, "  {field} cleared").unwrap(),
            }
        }
        for (mark, remarks) in [("refused", &row.complaints), ("notice", &row.notices)] {
            for each in remarks {
                let (column, value) = (&each.column, &each.value);
                writeln!(told, "  {mark}: {column} ‘{value}’ {}", each.message).unwrap();
            }
        }
    }
    told
}

/// Beside each file stands what is to be read from it. With PORTICO_WRITE_EXPECTED set, what is
/// read is written there instead, to be looked through before it is kept.
#[test]
fn exports_of_other_programs_are_read_as_expected() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "csv"));
    files.sort();
    assert_eq!(files.len(), 10);
    for path in files {
        let told = told(&read(std::fs::read(&path).unwrap()));
        let expected = path.with_extension("txt");
        if std::env::var_os("PORTICO_WRITE_EXPECTED").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap();
        assert!(told == expected, "{}:\n{told}", path.display());
    }
}

#[test]
fn a_type_line_above_the_headings_changes_line_numbers_only() {
    let with = read(std::fs::read(fixture("get-aduser-export.csv")).unwrap());
    let without = read(std::fs::read(fixture("get-aduser-no-type.csv")).unwrap());
    assert_eq!((with.heading_line, without.heading_line), (2, 1));
    assert_eq!(with.heading_key, without.heading_key);
    assert_eq!(with.id_source, Some(IdSource::Directory));
    for (one, other) in with.rows.iter().zip(&without.rows) {
        assert_eq!((one.line, &one.cells), (other.line + 1, &other.cells));
    }
}

#[test]
fn every_encoding_separator_and_line_end_gives_the_same_rows() {
    let plain = "UPN,First Name,Last Name,Office\na@x.example,Jörg,Müller,\"Süd, 1. Stock; links\"\nb@x.example,Zoë,Weiß,\n";
    let want = read(plain).rows;
    assert_eq!(text(&want[0], &Field::LastName), "Müller");
    for separator in [',', ';', '\t'] {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = split_with(plain, separator).replace('\n', line_end);
            for (name, bytes, encoding) in encoded(&text) {
                let read = read(&bytes);
                let case = format!("{name}, {separator:?}, {line_end:?}");
                assert_eq!(read.rows, want, "{case}");
                assert_eq!(read.format, Format::Csv { encoding, separator }, "{case}");
            }
        }
    }
}

/// Replaces the commas that part cells, not those within quotes.
fn split_with(text: &str, separator: char) -> String {
    let mut quoted = false;
    let part = |c| {
        quoted ^= c == '"';
        if c == ',' && !quoted { separator } else { c }
    };
    text.chars().map(part).collect()
}

fn encoded(text: &str) -> Vec<(&'static str, Vec<u8>, Encoding)> {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let high: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let (narrow, _, lossy) = encoding_rs::WINDOWS_1252.encode(text);
    assert!(!lossy);
    vec![
        ("UTF-8", text.into(), Encoding::Utf8),
        ("UTF-8 with mark", [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(), Encoding::Utf8),
        ("UTF-16LE", wide.clone(), Encoding::Utf16Le),
        ("UTF-16LE with mark", [&[0xFF, 0xFE], wide.as_slice()].concat(), Encoding::Utf16Le),
        ("UTF-16BE with mark", [&[0xFE, 0xFF], high.as_slice()].concat(), Encoding::Utf16Be),
        ("Windows-1252", narrow.into_owned(), Encoding::Windows1252),
    ]
}

#[test]
fn a_sep_line_is_obeyed_and_what_a_person_chose_goes_before_it() {
    let sheet = read("sep=;\r\nUPN;Office\r\na@x.example;1,2\r\n");
    assert_eq!((sheet.heading_line, sheet.rows[0].line), (1, 2));
    assert_eq!(text(&sheet.rows[0], &Field::Office), "1,2");
    let options = Options {
        separator: Some(','),
        encoding: Some(Encoding::Windows1252),
        ..Options::default()
    };
    let sheet = sheet::read("UPN,Office [a;b;c]\nx@x.example,ü\n".as_bytes(), &options).unwrap();
    assert_eq!(text(&sheet.rows[0], &Field::Office), "Ã¼");
}

#[test]
fn cells_say_leave_empty_or_set() {
    let sheet = read("UPN,Office,Notes,Phone\na@x.example, ,<CLEAR>,'+49 30 1\n");
    let row = &sheet.rows[0];
    assert_eq!(row.cells.get(&Field::Office), None);
    assert_eq!(row.cells.get(&Field::Notes), Some(&Cell::Clear));
    assert_eq!(text(row, &Field::Phone), "+49 30 1");
}

#[test]
fn what_looks_like_a_formula_stays_text() {
    let sheet = read("UPN,Office,Notes,Phone\na@x.example,=1+1,@SUM(A1),-1\n");
    let row = &sheet.rows[0];
    let cells = [Field::Office, Field::Notes, Field::Phone].map(|f| text(row, &f).to_owned());
    assert_eq!(cells, ["=1+1", "@SUM(A1)", "-1"]);
    assert!(row.complaints.is_empty());
}

#[test]
fn numbers_keep_their_zeros_and_shortened_ones_are_refused() {
    let sheet = read("UPN,Postcode,Phone\na@x.example,01067,0049301\nb@x.example,,4.9E+11\n");
    assert_eq!(text(&sheet.rows[0], &Field::Postcode), "01067");
    assert_eq!(text(&sheet.rows[0], &Field::Phone), "0049301");
    let complaint = &sheet.rows[1].complaints[0];
    assert_eq!(complaint.field, Some(Field::Phone));
    assert_eq!((complaint.column.as_str(), complaint.value.as_str()), ("Phone", "4.9E+11"));
    assert_eq!(complaint.message, "was shortened by a spreadsheet");
}

#[test]
fn a_slashed_date_needs_a_row_that_tells_the_day() {
    let told = |dates: &[&str]| {
        let rows = dates.iter().enumerate().map(|(n, d)| format!("u{n}@x.example,{d}\n"));
        let sheet = read(format!("UPN,Expires On\n{}", rows.collect::<String>()));
        let said = |row: &Row| match row.complaints.first() {
            Some(complaint) => complaint.message.clone(),
            None => text(row, &Field::ExpiresOn).to_owned(),
        };
        sheet.rows.iter().map(said).collect::<Vec<_>>()
    };
    assert_eq!(told(&["03/04/2026", "31.01.2026"]), ["is ambiguous: use 2026-01-31", "2026-01-31"]);
    assert_eq!(told(&["03/04/2026", "25/12/2026"]), ["2026-04-03", "2026-12-25"]);
    assert_eq!(told(&["03/04/2026", "12/25/2026"]), ["2026-03-04", "2026-12-25"]);
    assert_eq!(told(&["soon"]), ["is not a date: use 2026-01-31"]);
}

#[test]
fn a_user_twice_names_the_line_of_the_first() {
    let sheet = read("UPN,Office\na@x.example,1\n\n A@X.EXAMPLE ,2\nb@x.example,3\n");
    let lines: Vec<u32> = sheet.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    assert_eq!(sheet.rows[1].skip.as_deref(), Some("blank line"));
    assert_eq!(sheet.rows[2].complaints[0].message, "same user as line 2");
    assert!(sheet.rows[3].complaints.is_empty());
}

#[test]
fn a_user_name_with_an_at_is_a_upn() {
    let upns = read("User Name,Office\na@x.example,1\nno-at-sign,2\n");
    assert_eq!(text(&upns.rows[1], &Field::Upn), "no-at-sign");
    let names = read("User Name,UPN,Office\nann,a@x.example,1\n");
    assert_eq!(text(&names.rows[0], &Field::Username), "ann");
    let both = read("User Name,UPN\nann@old.example,a@x.example\n");
    assert_eq!(text(&both.rows[0], &Field::Upn), "a@x.example");
    assert_eq!(both.notices, ["‘User Name’ is not used: ‘UPN’ gives the same field"]);
}

#[test]
fn a_whole_name_is_split_only_where_the_file_has_no_parts() {
    let split = read("Name,Office\nZoë van den Berg,1\n\"Müller, Jörg\",2\nPlato,3\n");
    let parts =
        |row: &Row| format!("{}|{}", text(row, &Field::FirstName), text(row, &Field::LastName));
    assert_eq!(
        split.rows.iter().map(parts).collect::<Vec<_>>(),
        ["Zoë van den|Berg", "Jörg|Müller", "|"]
    );
    let whole = read("Name,First Name\nZoë Berg,\n");
    assert_eq!(parts(&whole.rows[0]), "|");
}

#[test]
fn services_properties_and_headings_by_hand_are_fields() {
    let mut options = Options::default();
    options.mapping.insert("Anmeldename".into(), Field::Upn);
    options.properties.insert("Badge number".into(), "badge".into());
    let file = "Anmeldename,service:MAIL,service:VM/db,Badge Number,custom:shoe\na@x.example,BASIC,<clear>,7,44\n";
    let sheet = sheet::read(file.as_bytes(), &options).unwrap();
    let cells: Vec<String> = sheet.rows[0]
        .cells
        .iter()
        .map(|(field, cell)| format!("{field}={}", cell.text()))
        .collect();
    let want = [
        "upn=a@x.example",
        "service:MAIL=BASIC",
        "service:VM/db=",
        "custom:badge=7",
        "custom:shoe=44",
    ];
    assert_eq!(cells, want);
}

#[test]
fn passwords_are_never_kept() {
    let file = "UPN,Password,Notes\na@x.example,Sommer-2026!,n\n";
    let mut options = Options::default();
    options.mapping.insert("Password".into(), Field::Notes);
    for options in [Options::default(), options] {
        let sheet = sheet::read(file.as_bytes(), &options).unwrap();
        assert!(!format!("{sheet:?}").contains("Sommer"));
        let want = "Passwords in the file were not used; people set their own by link.";
        assert_eq!(sheet.notices, [want]);
    }
}

/// Of what is kept until somebody has looked at the check, whichever sheet that will be.
#[test]
fn passwords_are_hidden_in_every_sheet_of_a_workbook() {
    let book = |of: &[(&str, bool, &[&[&str]])]| {
        let mut book = Workbook::new();
        for (name, hidden, rows) in of {
            let sheet = book.add_worksheet();
            sheet.set_name(*name).unwrap().set_hidden(*hidden);
            for (row, cells) in (0_u32..).zip(rows.iter()) {
                for (column, cell) in (0_u16..).zip(cells.iter()) {
                    sheet.write_string(row, column, *cell).unwrap();
                }
            }
        }
        book.save_to_buffer().unwrap()
    };
    let people: &[&[&str]] = &[&["UPN", "Notes"], &["a@x.example", "Password"]];
    let with: &[&[&str]] =
        &[&["Leute 2026"], &["UPN", "Password"], &["b@x.example", "Sommer-2026!"]];
    let masked = |bytes: &[u8]| sheet::masked(bytes, &Options::default()).unwrap();
    assert!(masked(&book(&[("People", false, people)])).is_none(), "a note is no heading");
    for hidden in [false, true] {
        let kept = masked(&book(&[("People", false, people), ("Old", hidden, with)]))
            .expect("there is one");
        let read = |name: Option<&str>| {
            let options = Options { sheet: name.map(str::to_owned), ..Options::default() };
            sheet::headings(&kept, &options).map(|(headings, _)| headings)
        };
        assert_eq!(read(None).unwrap(), ["UPN", "Notes"], "the first sheet is as it was");
        assert_eq!(read(Some("Old")).is_ok(), !hidden, "what nobody sees is not kept");
        let mut parts = zip::ZipArchive::new(std::io::Cursor::new(&kept)).unwrap();
        for at in 0..parts.len() {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut parts.by_index(at).unwrap(), &mut text).unwrap();
            assert!(!String::from_utf8_lossy(&text).contains("Sommer"), "part {at}");
        }
    }
}

#[test]
fn only_the_own_name_of_a_user_tells_a_guest() {
    let sheet = read("UPN,Manager\na@x.example,g_y.example#EXT#@x.example\nb#ext#@x.example,\n");
    let skipped: Vec<bool> = sheet.rows.iter().map(|row| row.skip.is_some()).collect();
    assert_eq!(skipped, [false, true]);
}

/// One text of the table of texts, shown in every cell: little to unpack, much to hold.
#[test]
fn a_text_repeated_in_every_cell_is_refused() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let long = "x".repeat(3_999);
    for (at, heading) in (0_u16..).zip(["UPN", "Notes", "Office", "Company", "Street", "City"]) {
        sheet.write_string(0, at, heading).unwrap();
        for row in 1..=10_000 {
            sheet.write_string(row, at, &long).unwrap();
        }
    }
    let bytes = book.save_to_buffer().unwrap();
    assert!(bytes.len() < 2_000_000);
    assert_eq!(refusal(&bytes), "has too much in it for one import: split it");
    let reasons = (2..10_000).map(|line| (line, String::new())).collect();
    let refused = sheet::write_refused(&bytes, &Options::default(), &reasons).unwrap_err();
    assert_eq!(refused.to_string(), "has too much in it for one import: split it");
}

#[test]
fn a_row_with_more_cells_than_headings_is_refused() {
    let sheet = read("UPN,Office\na@x.example,1,,x\nb@x.example,2,,\n");
    let want = "The row has more cells than there are headings";
    assert_eq!(sheet.rows[0].complaints[0].message, want);
    assert!(sheet.rows[1].complaints.is_empty());
}

#[test]
fn what_is_no_list_of_users_is_refused_in_one_sentence() {
    let wide = |n: usize| (0..n).map(|i| format!("h{i}")).collect::<Vec<_>>().join(",");
    let many = format!("UPN,Office\n{}", "a@x.example,1\n".repeat(50_001));
    let rows = |n: u32| format!("UPN,Office\n{}a@x.example,1\n", "\n".repeat(n as usize));
    let mut encrypted = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    encrypted.extend([0; 1_024]);
    let old = encrypted.clone();
    encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("nothing", vec![], "is empty"),
        ("blanks", b"\xEF\xBB\xBF \r\n\n".to_vec(), "is empty"),
        ("a type line", b"#TYPE a,b\r\n".to_vec(), "is empty"),
        ("headings alone", b"UPN,Office\r\n\r\n".to_vec(), "has headings but no rows"),
        ("one column", b"UPN\na@x.example\n".to_vec(), "has only one column"),
        ("an open quote", b"UPN,Office\n\"a@x.example,1\n".to_vec(), "has a quote in line 2 that"),
        ("a NUL", b"UPN,Office\na\0b,1\n".to_vec(), "is not CSV or XLSX: it has zero bytes"),
        ("a picture", png.to_vec(), "is not CSV or XLSX"),
        ("a broken zip", b"PK\x03\x04rest".to_vec(), "cannot be read as XLSX"),
        ("encryption", encrypted, "is encrypted"),
        ("an old workbook", old, "is not CSV or XLSX: save it as XLSX first"),
        ("an endless heading", vec![b'a'; 30_000], "has only one column"),
        (
            "an endless cell",
            format!("UPN,{}\n", "x".repeat(5_000)).into(),
            "has a cell of more than 4,000",
        ),
        ("301 columns", wide(301).into(), "has more than 300 columns"),
        ("50,001 rows", many.into(), "has more than 50,000 rows"),
        ("50,001 blank lines", rows(50_001).into(), "has more than 50,000 rows"),
        ("too much", vec![b','; 20 * 1_048_576 + 1], "is larger than 20 MB"),
        (
            "no names",
            b"Phone,Colour\n1,2\n".to_vec(),
            "has no column for the user's name. Found: Phone, Colour",
        ),
    ];
    for (what, bytes, want) in cases {
        let told = refusal(bytes);
        assert!(told.starts_with(want), "{what}: {told}");
        assert!(!told.contains('\n') && told.len() < 1_200, "{what}: {told}");
    }
    assert_eq!(read(rows(49_999)).rows.len(), 50_000);
}

#[test]
fn a_workbook_gives_what_a_person_sees() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Hidden").unwrap().set_hidden(true);
    let sheet = book.add_worksheet().set_name("Staff").unwrap().set_active(true);
    let headings =
        ["UPN", "Employee ID", "Expires On", "Office", "Phone", "Test User", "Last Name"];
    for (at, heading) in (0_u16..).zip(headings) {
        sheet.write_string(1, at, heading).unwrap();
    }
    let day = Look::new().set_num_format("dd/mm/yyyy");
    sheet.write_string(2, 0, "a@x.example").unwrap();
    sheet.write_number(2, 1, 4_711.0).unwrap();
    let date = ExcelDateTime::from_ymd(2026, 1, 31).unwrap();
    sheet.write_datetime_with_format(2, 2, &date, &day).unwrap();
    sheet.write_formula(2, 3, Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write_number(2, 4, 491_512_345_678.0).unwrap();
    sheet.write_boolean(2, 5, true).unwrap();
    sheet.write_string(2, 6, "Müller").unwrap();
    sheet.write_string(4, 0, "b@x.example").unwrap();
    book.add_worksheet().set_name("Other").unwrap().write_string(0, 0, "Colour").unwrap();
    let bytes = book.save_to_buffer().unwrap();

    let sheet = read(&bytes);
    let sheets = vec!["Staff".to_owned(), "Other".to_owned()];
    assert_eq!(sheet.format, Format::Xlsx { sheet: "Staff".into(), sheets });
    assert_eq!(sheet.heading_line, 2);
    let want = "upn=a@x.example last_name=Müller office=2 phone=491512345678 employee_id=4711 expires_on=2026-01-31 test_user=yes";
    let cells = sheet.rows[0].cells.iter().map(|(f, c)| format!("{f}={}", c.text()));
    assert_eq!(cells.collect::<Vec<_>>().join(" "), want);
    let lines: Vec<_> = sheet.rows.iter().map(|r| (r.line, r.skip.as_deref())).collect();
    assert_eq!(lines, [(3, None), (4, Some("blank line")), (5, None)]);

    let options = |name: &str| Options { sheet: Some(name.into()), ..Options::default() };
    let other = sheet::read(&bytes, &options("Other")).unwrap_err().to_string();
    assert_eq!(other, "has no column for the user's name. Found: Colour");
    let none = sheet::read(&bytes, &options("Hidden")).unwrap_err().to_string();
    assert_eq!(none, "has no sheet ‘Hidden’. Found: Staff, Other");
}

#[test]
fn a_workbook_as_wide_as_they_come_is_refused() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for column in 0..16_384 {
        sheet.write_string(0, column, format!("h{column}")).unwrap();
    }
    assert_eq!(refusal(book.save_to_buffer().unwrap()), "has more than 300 columns");
}

/// An archive with the parts of a workbook, one of them as given.
fn archive(part: &str, write: impl Fn(&mut dyn std::io::Write)) -> Vec<u8> {
    let workbook = r#"<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let links = r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (name, content) in [
        ("[Content_Types].xml", "<Types/>"),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData></sheetData></worksheet>"),
    ] {
        if name != part {
            zip.start_file(name, options).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
    }
    zip.start_file(part, options).unwrap();
    write(&mut zip);
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_zip_bomb_is_refused_whatever_it_says_of_its_size() {
    let nought = vec![b' '; 1 << 20];
    let mut bomb = archive("xl/worksheets/sheet1.xml", |part| {
        for _ in 0..201 {
            part.write_all(&nought).unwrap();
        }
    });
    assert!(bomb.len() < 1_000_000);
    assert_eq!(refusal(&bomb), "unpacks to more than 200 MB");
    // The same with a small size written into the directory at its end.
    let size = u32::to_le_bytes(201 << 20);
    let places: Vec<usize> = (0..bomb.len() - 4).filter(|at| bomb[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        bomb[at..at + 4].copy_from_slice(&u32::to_le_bytes(1_000));
    }
    let told = refusal(&bomb);
    assert!(told.starts_with("unpacks to more") || told.starts_with("cannot be read"), "{told}");
}

#[test]
fn what_a_workbook_promises_is_not_believed() {
    for count in ["99999999999999", "0000000000099999999999", "88888888"] {
        let lie = archive("xl/sharedStrings.xml", |part| {
            write!(part, "<sst count=\"1\" uniqueCount \n=  \"{count}\"><si><t>a</t></si></sst>")
                .unwrap();
        });
        assert_eq!(refusal(&lie), "unpacks to more than 200 MB", "{count}");
    }
    let backwards = archive("xl/worksheets/sheet1.xml", |part| {
        part.write_all(br#"<worksheet><dimension ref="Z9:A1"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>"#).unwrap();
    });
    assert!(!refusal(&backwards).is_empty());
}

#[test]
fn a_template_is_read_back_as_it_was_written() {
    let headings = sheet::TEMPLATE_HEADINGS;
    let rows = [vec![String::from("1"); headings.len()]];
    let sheet = read(sheet::write_csv(headings, rows));
    assert_eq!(sheet.notices, Vec::<String>::new());
    assert!(sheet.columns.iter().all(|column| column.field().is_some()));
}

#[test]
fn refused_rows_can_be_corrected_and_sent_again() {
    let file =
        "#TYPE x\r\nUPN;Office;Password\r\na@x.example;'=1+1;secret\r\nb@x.example;2;secret\r\n";
    let reasons = BTreeMap::from([(3, "is taken".to_owned())]);
    let again = sheet::write_refused(file.as_bytes(), &Options::default(), &reasons).unwrap();
    let sheet = read(&again);
    assert_eq!(sheet.rows.len(), 1);
    assert_eq!(text(&sheet.rows[0], &Field::Office), "=1+1");
    assert!(!String::from_utf8(again).unwrap().contains("secret"));
}

#[test]
fn ten_thousand_rows_are_read_at_once() {
    let row = |n: u32| {
        let upn = format!("user{n}@aldermoor.example");
        [
            upn,
            "Jörg".into(),
            format!("Müller {n}"),
            "=1+1".into(),
            format!("+31 20 {n}"),
            "Netherlands".into(),
        ]
    };
    let headings = ["UPN", "First Name", "Last Name", "Office", "Phone", "Country"];
    let csv = sheet::write_csv(&headings, (0..10_000).map(|n| row(n).to_vec()));
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    for (at, heading) in (0_u16..).zip(&headings) {
        page.write_string(0, at, *heading).unwrap();
        for n in 0..10_000 {
            page.write_string(n + 1, at, &row(n)[usize::from(at)]).unwrap();
        }
    }
    for (name, bytes) in [("CSV", csv), ("XLSX", book.save_to_buffer().unwrap())] {
        let from = std::time::Instant::now();
        let sheet = read(&bytes);
        let took = from.elapsed();
        writeln!(std::io::stdout(), "10,000 rows of {name}: {took:?}").unwrap();
        assert_eq!(sheet.rows.len(), 10_000);
        assert_eq!(text(&sheet.rows[9_999], &Field::Office), "=1+1");
    }
}

/// What a cell can hold after the blanks around it are gone, the dangerous beginnings often.
fn cell() -> impl Strategy<Value = String> {
    let start =
        prop::sample::select(vec!["", "", "=", "+", "-", "@", "'", "''=", "'+", "\t=", "\r-"]);
    (start, "[a-zäß0-9,;\"'\\r\\n\\t =+@-]{0,12}[a-z0-9\"']").prop_map(
        |(start, rest)| match start {
            "" => rest.trim().to_owned(),
            start => format!("{start}{rest}"),
        },
    )
}

/// Whatever comes in: rows in order below their headings, in columns that are there, or one sentence.
fn plausible(bytes: &[u8]) -> Result<(), TestCaseError> {
    match sheet::read(bytes, &Options::default()) {
        Ok(sheet) => {
            let lines: Vec<u32> = sheet.rows.iter().map(|row| row.line).collect();
            prop_assert!(lines.windows(2).all(|two| two[0] < two[1]), "{lines:?}");
            prop_assert!(lines.first().is_none_or(|first| *first > sheet.heading_line));
            prop_assert!(lines.is_empty() || !sheet.columns.is_empty());
        }
        Err(refusal) => {
            let text = refusal.to_string();
            prop_assert!(!text.is_empty() && text.lines().count() == 1, "{text:?}");
        }
    }
    Ok(())
}

/// As many as the test run has time for; more by `PORTICO_FUZZ`, a factor.
pub fn cases(usual: u32) -> u32 {
    let factor = std::env::var("PORTICO_FUZZ").ok().and_then(|text| text.parse().ok());
    usual.saturating_mul(factor.unwrap_or(1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(256), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(cells in prop::collection::vec(cell(), 1..20)) {
        let rows = cells.iter().enumerate().map(|(n, c)| vec![format!("u{n}@x.example"), c.clone()]);
        let sheet = read(sheet::write_csv(&["UPN", "Description"], rows));
        let back: Vec<&str> = sheet.rows.iter().map(|row| text(row, &Field::Description)).collect();
        prop_assert_eq!(back, cells);
    }

    #[test]
    fn no_bytes_make_it_panic(
        start in prop::sample::select(vec![
            &b""[..], b"UPN,Name\n", b"\xFF\xFEU\0P\0N\0,\0", b"sep=", b"#TYPE\n\"UPN\";", b"\xEF\xBB\xBFUPN\t",
            b"PK\x03\x04", b"PK\x05\x06", b"\xD0\xCF\x11\xE0", b"UPN,Expires On,Proxy addresses\na,",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        plausible(&[start, &rest].concat())?;
    }

    #[test]
    fn no_text_makes_it_panic(
        rows in "[a-c@=',;\"\\r\\n\\t/.:+0-9 -]{0,200}",
        heading in prop::sample::select(sheet::TEMPLATE_HEADINGS.to_vec()),
    ) {
        let file = format!("UPN,{heading}\n{rows}");
        plausible(file.as_bytes())?;
    }

    #[test]
    fn no_damage_to_a_workbook_makes_it_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        inside in "[<>/a-z\"= A-Z0-9:]{0,120}",
    ) {
        let sound = archive("xl/worksheets/sheet1.xml", |part| {
            let row = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>UPN</t></is></c></row>"#;
            write!(part, "<worksheet><sheetData>{row}{inside}</sheetData></worksheet>").unwrap();
        });
        plausible(&sound)?;
        let mut broken = sound;
        for (place, byte) in damage {
            let at = place.index(broken.len());
            broken[at] = byte;
        }
        plausible(&broken)?;
    }
}
