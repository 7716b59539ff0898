package io.github.tuneqdm.report;

import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.SpeedRow;
import io.github.tuneqdm.study.StudyProtocol;
import io.github.tuneqdm.study.StudyProtocol.CellProtocol;
import io.github.tuneqdm.study.StudyProtocol.ChosenRate;
import io.github.tuneqdm.study.StudyRow;
import io.github.tuneqdm.study.StudyTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A study's page with cells as a comparison of methods has them. */
final class DemoStudy {
  private static final List<String> SUBJECTS = List.of("ball1", "cube1", "donut1", "mug1");

  /** A cell's name, mean DINO and CLIP-T, bytes and peak memory. */
  private record Cell(String name, double dino, double clipT, long bytes, long peak) {}

  private static final List<Cell> CELLS =
      List.of(
          new Cell("full DreamBooth", 0.248, 0.628, 28_810_632, 9_700_000_000L),
          new Cell("LoRA rank 4", 0.231, 0.634, 1_171_940, 6_100_000_000L),
          new Cell("PEQA, bits 4", 0.209, 0.651, 330_000, 5_200_000_000L),
          new Cell("TuneQDM, bits 8", 0.235, 0.631, 668_652, 5_400_000_000L),
          new Cell("TuneQDM, bits 4", 0.255, 0.613, 668_652, 5_400_000_000L),
          new Cell("TuneQDM, bits 2 <script>", 0.199, 0.497, 668_652, 5_400_000_000L));

  private DemoStudy() {}

  static byte[] page() {
    List<StudyRow> rows = new ArrayList<>();
    List<SpeedRow> speeds = new ArrayList<>();
    for (Cell cell : CELLS) {
      for (int i = 0; i < SUBJECTS.size(); i++) {
        double shift = 0.03 * (i - 1.5);
        rows.add(
            new StudyRow(
                cell.name,
                1e-3,
                1,
                SUBJECTS.get(i),
                "0123456789ab",
                4,
                "TuneQDM",
                400,
                cell.dino + shift,
                0.48 + shift,
                cell.clipT - shift,
                cell.clipT - 0.02,
                158_880L,
                cell.bytes,
                null));
        speeds.add(
            new SpeedRow(
                cell.name, 1e-3, 1, SUBJECTS.get(i), "0123456789ab", 40.0, cell.peak, 60.0));
      }
    }
    rows.add(StudyRow.failed("broken", null, 1, "mug1", null, 4, "the loss was not a number"));
    List<String> names = new ArrayList<>(CELLS.stream().map(Cell::name).toList());
    names.add("broken");
    StudyTable table = StudyTable.of(names, Optional.of("TuneQDM, bits 4"), 1, rows, speeds);
    ChosenRate rate =
        new ChosenRate(1e-3, List.of("ball1"), "the best dino + clip-t", List.of("mug1"));
    StudyProtocol protocol =
        new StudyProtocol(
            "methods",
            "tuneqdm-spark 0.1.0",
            null,
            null,
            List.of(1L),
            SUBJECTS,
            "TuneQDM, bits 4",
            "dino + clip-t",
            1L,
            Map.of("tuneqdm.tuning.steps", "400"),
            List.of(new CellProtocol("LoRA rank 4", "5c1e09ab47d2", Map.of(), List.of(rate))));
    return StudyPage.of(
        table,
        protocol,
        List.of(
            new SearchRow("LoRA rank 4", 0, 3e-4, "0123456789ab", 0.83, false),
            new SearchRow("LoRA rank 4", 0, 1e-3, "0123456789ab", 0.86, true)));
  }
}
