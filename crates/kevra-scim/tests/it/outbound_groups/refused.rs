//! Members whom an application refuses, and whom that keeps waiting: nobody else.

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::json;
use testkit::eventually;

use super::stage::{SOON, Stage};

#[test]
fn a_member_whose_record_cannot_be_read_keeps_no_other_one_waiting() {
    for status in [400, 410, 500] {
        let stage = Stage::new(Manners::default());
        let everybody = stage.users(3);
        let crew = stage.group("Crew", &everybody[..1]);
        stage.arrives(&crew, "Crew", &everybody[..1]);
        // After an enable each of them is asked for, the broken one first.
        assert_eq!(stage.control(Method::POST, "/outbound/disable", None).0, 204);
        let broken = stage.theirs(&everybody[1]);
        stage.app.app().breaks(broken.as_str().unwrap(), Some(status));
        stage.enable_outbound();
        let joins = json!([{ "op": "add", "path": "members", "value": [{ "value": everybody[1] }, { "value": everybody[2] }] }]);
        stage.patch(&format!("/Groups/{crew}"), &joins);
        stage.arrives(&crew, "Crew", &[everybody[0].clone(), everybody[2].clone()]);
        // Whose record refuses every request waits for a person.
        let (one, waits) = (format!("/outbound/parked/{}", everybody[1]), status != 500);
        let parked = || (!waits || stage.control(Method::GET, &one, None).0 == 200).then_some(());
        assert!(eventually(SOON, parked).is_some(), "{status}: nobody was parked");
        stage.app.app().breaks(broken.as_str().unwrap(), None);
        if waits {
            assert_eq!(stage.control(Method::POST, &format!("{one}/retry"), None).0, 204);
        }
        stage.arrives(&crew, "Crew", &everybody);
    }
}

#[test]
fn a_member_whom_a_group_refuses_keeps_no_other_one_out() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(21);
    let crew = stage.group("Crew", &[]);
    stage.arrives(&crew, "Crew", &[]);
    let refused = [&everybody[0], &everybody[13]];
    for id in refused {
        stage.app.app().bars(stage.theirs(id).as_str().unwrap(), true);
    }
    let members = |ids: &[String]| ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>();
    let joins = |ids: &[String]| json!([{ "op": "add", "path": "members", "value": members(ids) }]);
    stage.patch(&format!("/Groups/{crew}"), &joins(&everybody[..20]));
    let others = |until: usize| -> Vec<String> {
        everybody[..until].iter().filter(|id| !refused.contains(id)).cloned().collect()
    };
    stage.arrives(&crew, "Crew", &others(20));
    let one = format!("/outbound/parked/{crew}");
    let parked = || Some(stage.control(Method::GET, &one, None)).filter(|(status, _)| *status == 200);
    let (_, shown) = eventually(SOON, parked).expect("the group waits for a person");
    assert_eq!((&shown["reason"], &shown["status"]), (&json!("rejected"), &json!(400)), "{shown}");
    // Who joins later does not wait for them either.
    stage.patch(&format!("/Groups/{crew}"), &joins(&everybody[20..]));
    stage.arrives(&crew, "Crew", &others(21));
    assert!(eventually(SOON, parked).is_some());
    for id in refused {
        stage.app.app().bars(stage.theirs(id).as_str().unwrap(), false);
    }
    assert_eq!(stage.control(Method::POST, &format!("{one}/retry"), None).0, 204);
    stage.arrives(&crew, "Crew", &everybody);
}
