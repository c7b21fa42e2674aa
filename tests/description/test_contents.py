"""The table of what a file holds, and the lines of a run on what it does not use: every part is named, none is cut."""

import re

import numpy as np
import pytest

import runrandomnet
from randomnet.connectome import from_dense, save
from randomnet.description import as_text, contents_as_text, describe, reading_notes, sinkhorn_notes
from randomnet.description.contents import transmitter_rows
from randomnet.formats import SIGN_POLICIES, Part, parts_of
from randomnet.formats.contents import recorded, unused
from tests.support.announcements import announced

FILES = {"edges.csv": "0" * 64, "neurons.csv": "1" * 64}
EDGES, NEURONS = "data/of mine/edges.csv", "/else where/neurons.csv"


def network(parts=(), **notes):
    """Six neurons: three of acetylcholine, one of GABA, two of unknown transmitters; in three classes."""
    matrix = np.zeros((6, 6))
    matrix[1, 0], matrix[2, 1], matrix[0, 3], matrix[4, 5], matrix[3, 2] = 2, 3, -4, 1, 1
    labels = {
        "neurotransmitter": np.array([*["acetylcholine"] * 3, "gaba", "unknown", "unknown"]),
        "class": np.array(list("aabbbc")),
        "type": np.array(list("uvwxyz")),
    }
    notes = {"source": "edge list", "synthetic": False, "sign_policy": "shiu", "files": FILES, **notes}
    return from_dense("made", matrix, np.array(list("abcdef")), labels, {**notes, **recorded(parts)})


def text_of(parts=(), **notes):
    return contents_as_text(describe(network(parts, **notes)))


def tables_of(text):
    """Title -> lines of each table."""
    tables = {}
    for line in text.splitlines():
        if re.match(r"  [a-z]", line):
            tables[line.strip()] = rows = []
        else:
            rows.append(line)
    return tables


def words_of_column(lines, start, end=None):
    """The text of a column, from one place of the line to another."""
    return " ".join(" ".join(line[start:end] for line in lines).split())


# ---- the table


def test_each_part_is_a_row_with_its_use_and_note():
    parts = [Part(f"{EDGES}, column from", "presynaptic neuron"), unused(f"{EDGES}, column nt", "columns reads it"),
             Part(f"{NEURONS}, column id", "ids of neurons", "6 of 6 neurons have a row")]  # fmt: skip
    header, *rows = tables_of(text_of(parts))["what the file holds"]
    use, note = header.index("used as"), header.index("note")
    cells = [(row[:4].strip(), row[4:use].strip(), row[use:note].strip(), row[note:].strip()) for row in rows]
    assert cells == [
        ("", "edges.csv, column from", "presynaptic neuron", ""),
        ("", "neurons.csv, column id", "ids of neurons", "6 of 6 neurons have a row"),
        ("-", "edges.csv, column nt", "not used", "columns reads it"),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_lines_have_at_most_110_characters_and_no_word_is_lost(seed):
    rng = np.random.default_rng(seed)

    def words(most):
        return " ".join("w" * int(size) for size in rng.integers(1, 12, int(rng.integers(1, most))))

    parts = [Part(f"edges.csv, column {words(8)}", words(5), words(60)) for _ in range(5)]
    text = text_of(parts)
    assert max(map(len, text.splitlines())) <= 110
    header, *rows = tables_of(text)["what the file holds"]
    use, note = header.index("used as"), header.index("note")
    for place, (start, end) in enumerate([(4, use), (use, note), (note, None)]):
        assert words_of_column(rows, start, end) == " ".join(part[place] for part in parts)


@pytest.mark.parametrize("unused_parts, rows", [(12, 12), (13, 13), (14, 13), (40, 13)])
def test_many_unused_parts_share_a_row_that_names_all_of_them(unused_parts, rows):
    names = [f"attribute{number}" for number in range(unused_parts)]
    text = text_of([unused(f"{NEURONS}, column {name}", "numbers") for name in names])
    lines = tables_of(text)["what the file holds"]
    assert sum(line.startswith("  - ") for line in lines) == rows
    assert all(re.search(rf"\b{name}\b", text) for name in names)
    assert ("more parts" in text) == (unused_parts > 13) and max(map(len, lines)) <= 110


def test_hundreds_of_unused_parts_are_counted():
    text = text_of([unused(f"{NEURONS}, column a{number}") for number in range(900)])
    assert "888 more parts" in text and "and 828 more" in text and len(text.splitlines()) < 60


def test_a_network_of_no_file_has_no_such_table():
    assert "what the file holds" not in text_of()
    bare = from_dense("m", np.eye(3), np.array(list("abc")), {}, {"source": "x"})
    assert contents_as_text(describe(bare)) == ""


def test_neurons_are_counted_by_the_first_label_that_makes_groups():
    text = tables_of(text_of())
    assert [line.split() for line in text["neurons by class"]] == [
        ["class", "neurons", "share"], ["b", "3", "50.0%"], ["a", "2", "33.3%"], ["c", "1", "16.7%"]]  # fmt: skip


def test_many_groups_are_summed():
    n = 60
    labels = {"super_class": np.array([f"c{min(number, 40)}" for number in range(n)])}
    made = from_dense("m", np.eye(n), np.arange(n).astype(str), labels, {"source": "x"})
    lines = tables_of(contents_as_text(describe(made)))["neurons by super_class"]
    assert len(lines) == 26 and lines[-1].split() == ["17", "others", "17", "28.3%"]
    assert sum(int(line.split()[-2]) for line in lines[1:]) == n


def test_transmitters_have_the_signs_of_the_policy_or_those_that_the_reader_recorded():
    rows = [line.split() for line in tables_of(text_of())["transmitters"]]
    assert rows[1:] == [["acetylcholine", "3", "+"], ["unknown", "2", "+"], ["gaba", "1", "-"]]
    strict = {row.name: row.sign for row in transmitter_rows(describe(network(sign_policy="strict")))}
    assert strict == {"acetylcholine": "+", "unknown": "none", "gaba": "-"}
    table = {"gaba": {"neurons": 1, "sign": -1.0, "synapses": 4.0},
             "acetylcholine (Kenyon cells)": {"neurons": 3, "sign": 1.0, "synapses": 12345.0},
             "dopamine": {"neurons": 2, "sign": 0.25, "synapses": 1.0}}  # fmt: skip
    recorded_rows = tables_of(text_of(transmitter_signs=table))["transmitters"]
    assert [re.split(r"\s{2,}", line.strip()) for line in recorded_rows[1:]] == [
        ["acetylcholine (Kenyon cells)", "3", "+", "12,345"],
        ["dopamine", "2", "+0.25", "1"],
        ["gaba", "1", "-", "4"],
    ]


def test_what_was_left_out_has_its_number_and_reason():
    counts = {"autapses_dropped": 8, "zero_weights_dropped": 0, "pairs_below_min_synapses": 1234, "min_synapses": 3,
              "neurons_outside_component_dropped": 5, "largest_component": "strong", "edges_without_sign_dropped": 6,
              "synapses_without_sign": 61.0, "cancelled": 4, "rows_of_ghosts_dropped": 17,
              "sinkhorn_lost": 2}  # fmt: skip
    rows = [re.split(r"\s{2,}", line.strip()) for line in tables_of(text_of(**counts))["left out"][1:]]
    assert rows == [
        ["connections of neurons with themselves", "8", "drop_autapses = True"],
        ["edges", "4", "an inhibitory synapse and a gap junction sum to 0"],
        ["pairs of neurons", "1,234", "fewer synapses than min_synapses = 3"],
        ["neurons", "5", "outside the largest_component = strong"],
        ["edges", "6", "sign_policy = shiu gives their neurons no sign"],
        ["synapses", "61", "those of these edges"],
        ["rows of ghosts", "17"],
        ["edges without effect", "2", "sinkhorn drives them below 1e-12 of the largest"],
    ]


def test_neurons_transmitters_and_losses_come_before_the_parts_of_the_files():
    why = {"superclass is empty": 33300, "not proofread": 2}
    tables = tables_of(text_of([Part(f"{EDGES}, column pre", "presynaptic neuron")], no_neurons=why))
    assert list(tables) == ["neurons by class", "transmitters", "left out", "what the file holds"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in tables["left out"][1:]]
    assert rows == [["rows of the table of neurons", "33,300", "superclass is empty"],
                    ["rows of the table of neurons", "2", "not proofread"]]  # fmt: skip


def test_the_name_of_an_only_file_is_said_once():
    parts = [Part(f"{EDGES}, column pre", "presynaptic neuron"), unused(f"electrical synapses in {EDGES}", "7 rows")]
    text = text_of(parts, files={"edges.csv": "0" * 64})
    rows = [line.split("  ") for line in tables_of(text)["what the file holds: edges.csv"]]
    assert [next(filter(None, row)).removeprefix("- ") for row in rows[1:]] == ["column pre", "electrical synapses"]
    assert [part[0].place for part in (parts_of(network(parts).provenance),)] == [f"{EDGES}, column pre"]


# ---- the lines of a run


def notes_of(parts=(), **notes):
    return list(reading_notes(network(parts, **notes).facts()))


def test_unused_columns_of_a_file_are_named_together_and_those_with_an_option_with_it():
    parts = [Part(f"{EDGES}, column pre", "presynaptic neuron"), unused(f"{EDGES}, column a", "numbers"),
             unused(f"{EDGES}, column b"), unused(f"electrical synapses in {EDGES}",
                                                  "1,031 rows; synapse_type = all reads them")]  # fmt: skip
    line = " ".join(notes_of(parts)[:-1])
    assert "columns a, b of edges.csv" in line and "column pre" not in line
    assert line.startswith("not used: electrical synapses (1,031 rows; synapse_type = all reads them); columns a, b")


def test_a_long_note_does_not_hide_the_parts():
    columns = ", ".join(f"predicted_transmitter_{number}" for number in range(12))
    parts = [unused(f"{NEURONS}, 12 further columns", columns), unused(f"{EDGES}, 423 rows", "an end is no neuron")]
    text = " ".join(line.strip() for line in notes_of(parts)[:2])
    assert "12 further columns (predicted_transmitter_0, " in text
    assert text.startswith("not used: edges.csv, 423 rows (an end is no neuron); ")


def test_attributes_of_a_graph_are_named_by_what_has_them():
    names = {"nodes": ["a", "b"], "edges": ["c"], "the graph": ["d", "e"]}
    parts = [unused(f"g.graphml, attribute {name} of {owner}", "numbers")
             for owner, owned in names.items() for name in owned]  # fmt: skip
    several = {"neurotransmitter": np.array(["acetylcholine, serotonin", "gaba"])}
    made = from_dense("g", np.array([[0, -1.0], [1, 0]]), np.array(["u", "v"]), several,
                      {"sign_policy": "shiu", "files": {"g.graphml": "0" * 64}, **recorded(parts)})  # fmt: skip
    lines = list(reading_notes(made.facts()))
    assert lines[0] == "not used: attributes a, b of nodes; attribute c of edges; attributes d, e of the graph"
    assert "acetylcholine/serotonin 1 " in lines[1]


@pytest.mark.parametrize("number", [1, 5, 40, 400])
def test_unused_parts_take_at_most_two_lines_and_the_signs_come_first(number):
    parts = [unused(f"{NEURONS}, column attribute_{place}", "x = 1") for place in range(number)]
    lines = [line for line in notes_of([*parts, unused(f"{EDGES}, column nt_type", "read x = 2")]) if line]
    said = [line for line in lines if not line.startswith(("signs", "  whatever", "  rules", "  strict"))]
    assert 1 <= len(said) <= 3 and said[0].startswith("not used: edges.csv, column nt_type (read x = 2)")
    unsaid = [line for line in said if "attribute" in line or "not used" in line or "describe" in line]
    assert len(unsaid) <= 2 and max(map(len, lines)) <= 110
    assert any("--describe lists" in line for line in lines) == (number > 1)


def test_signs_by_transmitters_are_told_with_counts_and_the_other_rules():
    text = " ".join(line.strip() for line in notes_of(kenyon_cells_overridden=5))
    assert text.startswith("signs by shiu: acetylcholine 3 +, unknown 2 +, gaba 1 -; 5 Kenyon cells are taken as")
    assert set(re.search(r"other rules of sign_policy: (.*)\)", text)[1].split(", ")) == {
        *SIGN_POLICIES} - {"shiu", "auto", "ei"}  # fmt: skip


@pytest.mark.parametrize("policy, says", [
    ("none", "all weights are positive (sign_policy = none); transmitters are known, but not used (acetylcholine 3"),
    ("as in the file", "signs as in the file"),
    ("ei", "signs by ei: The 0/1 vector"),
])  # fmt: skip
def test_other_rules_of_signs_are_told(policy, says):
    assert says in " ".join(line.strip() for line in notes_of(sign_policy=policy))


def test_electrical_synapses_have_no_sign_whatever_the_policy():
    assert notes_of(sign_policy="none", unsigned="electrical synapses have no sign") == [
        "signs: all weights are positive, as electrical synapses have no sign"]  # fmt: skip


def test_a_table_of_transmitters_has_no_empty_columns():
    known, unknown = (tables_of(text_of(sign_policy=policy))["transmitters"] for policy in ("shiu", "as in the file"))
    assert known[0].split() == ["transmitter", "neurons", "sign"] and unknown[0].split() == ["transmitter", "neurons"]
    assert unknown[1].split() == ["acetylcholine", "3"]


def test_a_saved_null_model_is_not_called_measured():
    for facts, origin in ((network(null="degree"), "null"), (network(saved={"null": "degree"}), "null"),
                          (network(saved={"sha256": "0"}), "(measured)")):  # fmt: skip
        title = as_text(describe(facts)).splitlines()[0]
        assert origin in title and ("(measured)" in title) == (origin == "(measured)")


@pytest.mark.parametrize("parts, weights, says", [
    ([], "1 for every edge, as the file has none", "weights: 1 for every edge, as the file has none"),
    ([Part("edges.csv, rows", "weight", "no column of weights; rows per pair of neurons")], "",
     "weights: no column of weights; rows per pair of neurons"),
    ([Part("g.json, edges", "weight", "1 for 3 edges without one")], "", "weights: 1 for 3 edges without one"),
    ([Part("edges.csv, column w", "weight", "the only numbers")], "the attribute w of the edges", None),
])  # fmt: skip
def test_weights_that_the_file_does_not_have_are_told(parts, weights, says):
    told = [line for line in notes_of(parts, weights=weights) if line.startswith("weights")]
    assert told == ([says] if says else [])


def test_the_readers_note_on_weights_is_in_the_table():
    text = text_of([Part("edges.csv, rows", "edges")], weights="1 for every edge, as the file has none")
    assert re.search(r"\n +weights +weight +1 for every edge, as the file has none$", text)


def test_a_balance_that_sinkhorn_does_not_reach_is_told_with_the_scaling_that_reaches_it():
    reached = list(sinkhorn_notes({"sinkhorn_residual": {"excitatory": 1e-7}}))
    assert len(reached) == 1 and "not balanced" not in reached[0]
    facts = {"sinkhorn_residual": {"excitatory": 0.54, "inhibitory": 3.5}, "sinkhorn_lost": 358, "edges": 2990}
    text = "\n".join(sinkhorn_notes(facts))
    assert "excitatory column sums depart by at most 0.54" in text and text.count("(not balanced)") == 2
    assert "normalization = balanced" in text and "358 of 2,990 edges are lost" in text
    assert not list(sinkhorn_notes({}))


# ---- the command


def test_describe_begins_with_what_the_file_holds(tmp_path, capsys):
    made = from_dense("made", np.diag([1.5, -2.5], 1)[:3, :3] + np.eye(3), np.array(list("abc")),
                      {"class": np.array(list("uuv"))}, {"source": "x", "synthetic": False})  # fmt: skip
    save(made, tmp_path / "m.npz")
    (tmp_path / "a.ini").write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_network = {tmp_path / 'm.npz'}\n"
                                    f"path_to_results = {tmp_path / 'out'}\n[lyapunov]\nnle = 2\n")  # fmt: skip
    assert runrandomnet.main([str(tmp_path / "a.ini"), "--describe", "--save_figs", str(tmp_path / "figs")]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("  what the file holds: m.npz")
    assert lines[start + 2].split() == ["edges", "signed", "weights", "5;", "as", "saved"]
    assert start < next(place for place, line in enumerate(lines) if line.startswith("made (measured)"))


def test_a_run_says_its_rule_of_signs_and_that_sinkhorn_does_not_balance(tmp_path, capsys, connectomes):
    roi = ("net.roi=LARVA_MB_LEFT", f"paths.path_to_network={connectomes / 'rois'}")
    said = announced(tmp_path, capsys, *roi)
    assert "signs by ei" in said and "(not balanced)" in said and "normalization = balanced" in said
    assert "edges are lost" not in said
    assert "10 of 5,970 edges are lost" in announced(tmp_path, capsys, *roi, "net.sinkhorn_iterations=100")
    table = f"paths.path_to_network={connectomes / 'larva_left_csv'}"
    assert "all weights are positive (sign_policy = none)" in announced(tmp_path, capsys, table, "net.roi=all")
