"""Hostile inputs and faults by their numbers, and the test that holds each:
A lines and end of data, B state of SMTP, C addresses, D headers and MIME, E
IMAP, F POP3 and LMTP, G load and peers, J local users and files, K faults of
the system. A row names a file and words that stand in it; None is a row whose
command does not exist."""
import pathlib
import re

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
HELD = {
    "A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A12 A13 A14 A15":
        "suite/test_smuggling.py %s",
    "A11": "suite/test_smuggling.py test_a11_",
    "A16": "suite/test_smuggling.py test_a16_",
    "A17 A18": "suite/test_smuggling.py test_a17_a18_",
    "A19 A20 A21 A22 A23 A24 A26": "suite/test_hostile_smtp.py %s",
    "A25": "suite/test_hostile_smtp.py %s, suite/test_next_hop.py test_a25_, "
           "relay/test_seven.c test_rows",
    "B1": "suite/test_smuggling.py test_b1_",
    "B2 B3 B11 B12 B13 B18 B19 B20 B21 B22 B4 B5 B6 B14 B15":
        "suite/test_hostile_smtp.py %s",
    "B7": "suite/test_hostile_smtp.py test_b7_",
    "B8": "suite/test_smuggling.py test_b8_",
    "B9 B10": "suite/test_hostile_smtp.py test_b9_b10_",
    "B16": "suite/test_hostile_smtp.py test_b16_",
    "B17": "suite/test_smuggling.py test_b17_",
    "C1 C2 C3 C5 C6 C7 C8 C9 C10 C11 C12 C13": "suite/test_hostile_smtp.py %s",
    "C4": "suite/test_smuggling.py test_c4_",
    "D1 D3 D11 D13 D17": 'suite/test_hostile_imap.py "%s":',
    "D2 D4 D5 D6 D8 D9 D10 D12 D14 D16": 'suite/test_hostile_imap.py "%s-',
    "D7 D15": 'suite/test_hostile_imap.py "%s-, '
              "suite/test_hostile_imap.py test_D7_nul_and_D15_",
    "E1": "suite/test_login.py test_imap_nonsense",
    "E2": "suite/test_imap.py test_literal_bounds",
    "E3": 'suite/test_hostile_imap.py "E3-, '
          "suite/test_imap_commands.py test_many_literals_in_one_command",
    "E4 E5 E6 E7 E14 E18 E20": 'suite/test_hostile_imap.py "%s-',
    "E8": 'suite/test_hostile_imap.py "E8-, suite/test_imap.py '
          "test_hostile_input|test_refused_literals",
    "E9": "suite/test_hostile_imap.py test_E9_",
    "E10": "suite/test_imap.py test_wildcards",
    "E11": "suite/test_hostile_imap.py test_E11_, "
           "suite/test_imap_multiappend.py test_bound",
    "E12": "suite/test_hostile_imap.py test_E12_, "
           "suite/test_imap.py test_copy_of_what_is_gone",
    "E13": "suite/test_imap.py test_rename_inbox_while_selected, "
           "suite/test_imap.py test_deleted_while_selected",
    "E15": "suite/test_imap.py test_idle_ended_by_a_literal",
    "E16": "suite/test_imap_compress.py test_bomb, "
           "suite/test_imap_compress.py test_no_deflate_ends_it",
    "E17": "suite/test_login.py test_imap_pipelined",
    "E19": "suite/test_imap.py test_two_sessions, suite/test_model.py "
           "test_sessions_agree_with_the_model",
    "E21": "imapd/test_session.c test_rows_and_states",
    "E22": "suite/test_hostile_imap.py test_E22_",
    "E23": "suite/test_hostile_imap.py test_E23_",
    "E24": "suite/test_hostile_imap.py test_E24_",
    "E25": "suite/test_rebuild.py test_broken_index_is_set_aside, "
           "suite/test_faults.py test_spoilt_index",
    "F1": 'suite/test_hostile_pop3.py "F1-, suite/test_hostile_pop3.py '
          "test_F1_",
    "F2": 'suite/test_hostile_pop3.py "F2-, suite/test_hostile_pop3.py '
          "test_F2_",
    "F3 F4 F7": "suite/test_hostile_pop3.py test_%s_",
    "F5 F6": "suite/test_hostile_pop3.py test_F5_F6_",
    "F8": "suite/test_hostile_pop3.py F8: what ends without QUIT",
    "F9": None,
    "G1": "suite/test_hostile_smtp.py test_g1_, auth/test_proxy.c "
          "test_limits",
    "G2 G5 G6 G13": "suite/test_hostile_smtp.py test_%s_",
    "G3": "suite/test_end_to_end.py test_connections_of_one_address, "
          "suite/test_shares.py test_silent_clients_do_not_close_the_port",
    "G4": "suite/test_imap_bounds.py test_g4_, suite/test_sessions.py "
          "test_a_client_that_reads_nothing_is_ended",
    "G7": "suite/test_next_hop.py test_what_a_hop_says, "
          "suite/test_next_hop.py test_250_for_ever, "
          "suite/test_next_hop.py test_words_of_a_hop_in_a_report",
    "G8": "suite/test_next_hop.py test_tls_dropped",
    "G9": "suite/test_next_hop.py test_where_a_name_leads",
    "G10": "suite/test_login.py test_alpn",
    "G11": "suite/test_auth.py test_delays_grow",
    "G12": "suite/test_auth.py test_equal_time",
    "J1": "suite/test_system_faults.py test_j1_",
    "J2 J3 J4": None,
    "J5": "suite/test_shares.py test_j5_",
    "J6": "suite/test_system_rows.py test_j6_, suite/test_system_rows.py "
          "J6 RLIMIT_FSIZE",
    "J7": "suite/test_queue.py test_j7_, suite/test_queue.py "
          "test_larger_than_the_quota",
    "J8": "suite/test_system_disk.py test_j8_",
    "J9": "suite/test_system_faults.py test_j9_",
    "J10": "map/test_cdb.c test_cut, map/test_cdb.c test_flipped, "
           "map/test_cdb.c test_collisions, map/test_cdb.c test_replaced, "
           "suite/test_faults.py test_spoilt_queue, suite/test_faults.py "
           "test_spoilt_index",
    "K1": 'suite/walk.py KILL = "KILL", suite/kills.py SIGKILL, '
          "suite/test_faults.py test_every_call",
    "K2": "suite/walk.py FAULTS = , suite/test_faults.py test_queue_table, "
          "suite/test_faults.py test_every_call",
    "K3": "suite/test_disk_full.py test_full_disk_then_space, "
          "suite/test_disk_full.py test_flags_and_reading_on_a_full_disk",
    "K4 K5": "suite/test_system_disk.py test_%s_",
    "K6": "queue/test_jump.c test_ahead_and_back, queue/test_sched.c "
          "test_clamp, store/test_age.c main",
    "K7": "suite/powercuts.py --cuts",
    "K8 K13 K14": "suite/test_system_faults.py test_%s_",
    "K9 K10": "suite/test_system_rows.py test_%s_",
    "K11": "suite/test_mx.py test_k11_",
    "K12": "suite/test_bad_input.py test_ruined_certificate_keeps_the_old",
    "K15": "suite/test_old_state.py test_nothing_is_lost_or_renumbered",
    "K16": "suite/test_restore.py test_k16_",
}
LAST = {"A": 26, "B": 22, "C": 13, "D": 17, "E": 25, "F": 9, "G": 13,
        "J": 10, "K": 16}
ROWS = {row: where for rows, where in HELD.items() for row in rows.split()}


def test_each_row_is_named():
    assert set(ROWS) == {"%s%d" % (letter, n) for letter, last in LAST.items()
                         for n in range(1, last + 1)}


@pytest.mark.parametrize("row", ROWS)
def test_row_is_held(row):
    """The words stand there, of a test or of its row."""
    if ROWS[row] is None:
        return
    for where in ROWS[row].split(", "):
        name, words = where.split(" ", 1)
        text = (TESTS / name).read_text()
        for word in words.split("|"):
            word = word.replace("%s", row.lower() if "test_%s" in word and
                                "F" not in row else row)
            assert re.search(r"(?<!\w)" + re.escape(word) + (
                r"(?!\d)" if word.endswith(row) else ""), text), (name, word)
