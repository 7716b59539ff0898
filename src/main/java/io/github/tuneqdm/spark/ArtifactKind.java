package io.github.tuneqdm.spark;

/** What a file of a run's folder is, by where it lies. */
final class ArtifactKind {
  private ArtifactKind() {}

  /**
   * @param path relative to the run's folder
   */
  static String of(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    int slash = path.indexOf('/');
    return switch (slash < 0 ? "" : path.substring(0, slash)) {
      case "subjects" ->
          switch (name) {
            case "deltas.safetensors" -> "deltas";
            case "steps.parquet" -> "steps";
            case "status.json" -> "status";
            default -> name.contains(".tfevents.") ? "steps" : "subject";
          };
      case "images", "baselines" -> "image";
      case "class-images" -> "class-image";
      case "report" -> "report";
      case "earlier" -> "earlier";
      default ->
          switch (name) {
            case "run.conf" -> "configuration";
            case "plan.json" -> "plan";
            case "protocol.json" -> "protocol";
            default -> name.endsWith(".parquet") ? "table" : "other";
          };
    };
  }
}
