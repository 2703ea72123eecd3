"""The programme's table of acts (§2), written by hand: what leads where, and whose act it is."""

APPLICANT, CITY = frozenset({"applicant"}), frozenset({"city"})
PROVINCE = frozenset({"handler", "division_head", "leader"})
IMPLEMENTED = "published half_year_evaluation half_year_rectification half_year_accepted"
TERMINABLE = f"{IMPLEMENTED} one_year_evaluation one_year_rectification"
SAME, LEFT = "same", "left"
TABLE: list[tuple[str, str, str, frozenset[str]]] = [
    ("submit", "draft returned", "applied", APPLICANT | CITY),
    ("withdraw", "draft applied returned city_recommended", "withdrawn", APPLICANT | PROVINCE),
    ("return_for_correction", "applied", "returned", CITY),
    ("return_for_correction", "city_recommended", "returned", PROVINCE),
    ("refuse", "applied returned city_recommended", "refused", CITY | PROVINCE),
    ("recommend", "applied", "city_recommended", CITY),
    ("not_recommend", "applied", "not_recommended", CITY),
    ("accept_filing", "city_recommended", "under_review", PROVINCE),
    ("pass_review", "under_review", "reviewed", PROVINCE),
    ("not_select", "under_review", "not_selected", PROVINCE),
    ("disqualify", "reviewed in_publicity", "not_selected", PROVINCE),
    ("start_publicity", "reviewed", "in_publicity", PROVINCE),
    ("object", "in_publicity", "under_objection", PROVINCE),
    ("reject_objection", "under_objection", "in_publicity", PROVINCE),
    ("uphold_objection", "under_objection", "removed", PROVINCE),
    ("publish", "in_publicity", "published", PROVINCE),
    ("apply_half_year", "published", "half_year_evaluation", APPLICANT),
    ("pass_half_year", "half_year_evaluation", "half_year_accepted", PROVINCE),
    ("rectify_half_year", "half_year_evaluation", "half_year_rectification", PROVINCE),
    ("fail_half_year", "half_year_evaluation half_year_rectification", "acceptance_failed", PROVINCE),
    ("resubmit_half_year", "half_year_rectification", "half_year_evaluation", APPLICANT),
    ("apply_one_year", "half_year_accepted", "one_year_evaluation", APPLICANT),
    ("pass_one_year", "one_year_evaluation", "one_year_accepted", PROVINCE),
    ("rectify_one_year", "one_year_evaluation", "one_year_rectification", PROVINCE),
    ("fail_one_year", "one_year_evaluation one_year_rectification", "acceptance_failed", PROVINCE),
    ("resubmit_one_year", "one_year_rectification", "one_year_evaluation", APPLICANT),
    ("propose_tier", "one_year_accepted", "tier_proposed", PROVINCE),
    ("publicize_reward", "tier_proposed", SAME, PROVINCE),
    ("decline_reward", "one_year_accepted tier_proposed", "not_rewarded", PROVINCE),
    ("grant_reward", "tier_proposed", "rewarded", PROVINCE),
    ("close", "rewarded", "closed", PROVINCE),
    ("lapse", "published half_year_accepted", "lapsed", PROVINCE),
    ("terminate", TERMINABLE, "terminated", PROVINCE),
    ("revoke", f"{TERMINABLE} one_year_accepted tier_proposed rewarded not_rewarded closed", "revoked", PROVINCE),
    ("reopen", "not_recommended not_selected refused lapsed acceptance_failed", LEFT, PROVINCE),
    ("record_recovery", "revoked", SAME, PROVINCE),
    ("record_payment", "rewarded", SAME, PROVINCE),
    ("waive", "draft applied returned city_recommended published half_year_accepted", SAME, PROVINCE),
    ("put_in_reserve", "under_review", SAME, PROVINCE),
    ("take_off_reserve", "under_review", SAME, PROVINCE),
    ("record_vetoes", "draft applied returned city_recommended under_review reviewed", SAME, CITY | PROVINCE),
    ("record_vetoes", "in_publicity one_year_accepted tier_proposed", SAME, CITY | PROVINCE),
    ("report_progress", TERMINABLE, SAME, APPLICANT),
    ("extend", "published half_year_accepted", SAME, PROVINCE),
    ("suspend", TERMINABLE, SAME, PROVINCE),
    ("resume", TERMINABLE, SAME, PROVINCE),
    ("open_half_year_round", "published", SAME, PROVINCE),
    ("open_one_year_round", IMPLEMENTED, SAME, PROVINCE),
    ("request_change", TERMINABLE, SAME, APPLICANT),
    ("withdraw_change", f"{TERMINABLE} one_year_accepted", SAME, APPLICANT),
    ("approve_change", f"{TERMINABLE} one_year_accepted", SAME, PROVINCE),
    ("reject_change", f"{TERMINABLE} one_year_accepted", SAME, PROVINCE),
    ("request_extension", "published half_year_accepted", SAME, APPLICANT),
    ("reject_extension", f"{TERMINABLE} one_year_accepted", SAME, PROVINCE),
    ("request_termination", TERMINABLE, SAME, APPLICANT),
    ("reject_termination", f"{TERMINABLE} one_year_accepted", SAME, PROVINCE),
]
ARROWS = {(event, state): (target, roles) for event, states, target, roles in TABLE for state in states.split()}
AMENDABLE = {"draft": APPLICANT | CITY | PROVINCE, "returned": APPLICANT | CITY | PROVINCE}
AMENDABLE |= {"published": PROVINCE, "half_year_accepted": PROVINCE}
TWO_PERSONS = ("revoke", "reopen")
ORDER = [
    event for event, *_ in TABLE if event not in {"withdraw", "return_for_correction", "refuse", "object", "disqualify"}
]
