package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.storage.ArtifactIndex;
import io.github.tuneqdm.storage.ArtifactIndex.Artifact;
import io.github.tuneqdm.storage.ArtifactIndex.Page;
import io.github.tuneqdm.storage.FilesUnder;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.SortedLines;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Writes {@code run.json}, the last file of a run: while it is there, the run is whole and at rest.
 * The driver never holds more than a page of the list; where there are several, tasks hash them.
 */
final class RunIndex {
  private static final int PAGE = 10_000;

  /** Listed pages on their way to the tasks that hash them. */
  private static final String STAGED = ".artifacts";

  /** What is no result of the run: the page tells of times too, which differ each time. */
  private static final List<String> NOT_LISTED =
      List.of(ArtifactIndex.PAGES + "/", "lease/", "state/", RunFolder.SPEED + "/", RunReport.PATH);

  private final RunFolder run;
  private final OnDemandSpark spark;
  private final int pageSize;

  RunIndex(RunFolder run, OnDemandSpark spark) {
    this(run, spark, PAGE);
  }

  RunIndex(RunFolder run, OnDemandSpark spark, int pageSize) {
    this.run = run;
    this.spark = spark;
    this.pageSize = pageSize;
  }

  /** Takes {@code run.json} away before files of the run change. */
  void withdraw() {
    try {
      run.fileSystem().delete(run.path(ArtifactIndex.NAME), false);
    } catch (IOException e) {
      throw TuneQdmException.environment(
          "Cannot delete " + run.path(ArtifactIndex.NAME) + ": " + e, e);
    }
  }

  /** Lists and hashes what lies in the run's folder, unless {@code run.json} is there. */
  void complete() {
    if (!run.exists(ArtifactIndex.NAME)) {
      publish();
    }
  }

  private void publish() {
    try (SortedLines lines = new SortedLines(Math.max(pageSize, 10_000))) {
      list(lines);
      List<List<String>> only = new ArrayList<>(1);
      int[] pages = {0};
      lines.forEachPage(
          pageSize,
          page -> {
            if (pages[0] == 0) {
              only.add(page);
            } else {
              if (pages[0] == 1) {
                stage(0, only.remove(0));
              }
              stage(pages[0], page);
            }
            pages[0]++;
          });
      ArtifactIndex index =
          pages[0] > 1
              ? ArtifactIndex.ofPages(run.id(), hashPages(pages[0]))
              : ArtifactIndex.of(run.id(), only.isEmpty() ? List.of() : hash(run, only.get(0)));
      Publisher.replace(run.fileSystem(), run.path(ArtifactIndex.NAME), index.toJson());
      deletePagesBut(index.pages());
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot list " + run.root() + ": " + e, e);
    }
  }

  /** Each file's path and length; the list comes in the storage's order, a part at a time. */
  private void list(SortedLines lines) throws IOException {
    String root = run.root().toUri().getPath() + "/";
    RemoteIterator<? extends FileStatus> files = FilesUnder.of(run.fileSystem(), run.root());
    while (files.hasNext()) {
      FileStatus file = files.next();
      String path = file.getPath().toUri().getPath();
      if (path.startsWith(root) && isArtifact(path.substring(root.length()))) {
        lines.add(path.substring(root.length()) + "\t" + file.getLen());
      }
    }
  }

  /** What a job needs to go on, and hidden files, such as attempts on their way, are none. */
  static boolean isArtifact(String path) {
    return !path.equals(ArtifactIndex.NAME)
        && NOT_LISTED.stream().noneMatch(path::startsWith)
        && path.chars().noneMatch(Character::isISOControl)
        && Arrays.stream(path.split("/"))
            .noneMatch(name -> name.startsWith(".") || name.startsWith("_"));
  }

  private void stage(int page, List<String> lines) {
    Publisher.replace(
        run.fileSystem(),
        run.path(STAGED + "/" + page),
        String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }

  private List<Page> hashPages(int count) throws IOException {
    String runs = run.root().getParent().toString();
    String runId = run.id();
    List<Integer> numbers = new ArrayList<>();
    for (int page = 0; page < count; page++) {
      numbers.add(page);
    }
    List<Page> pages =
        spark
            .get()
            .fanOut(
                "run-index",
                "hash %d pages of artefacts".formatted(count),
                DeviceDemand.NONE,
                numbers,
                (page, environment) ->
                    hashPage(RunFolder.of(runs, runId, environment.hadoop()), page));
    run.fileSystem().delete(run.path(STAGED), true);
    return pages;
  }

  private static Page hashPage(RunFolder run, int number) {
    String staged = new String(run.read(STAGED + "/" + number), StandardCharsets.UTF_8);
    List<Artifact> artifacts = hash(run, staged.lines().toList());
    byte[] content = ArtifactIndex.listing(artifacts);
    String path = "%s/%06d.json".formatted(ArtifactIndex.PAGES, number);
    Publisher.replace(run.fileSystem(), run.path(path), content);
    return ArtifactIndex.page(path, artifacts, content);
  }

  private static List<Artifact> hash(RunFolder run, List<String> lines) {
    return Ahead.all(
        lines,
        line -> {
          int tab = line.indexOf('\t');
          String path = line.substring(0, tab);
          long bytes = Long.parseLong(line.substring(tab + 1));
          String sha256 = Hashes.sha256(run.fileSystem(), run.path(path));
          return new Artifact(path, ArtifactKind.of(path), bytes, sha256);
        });
  }

  private void deletePagesBut(List<Page> pages) throws IOException {
    Set<Path> kept = new HashSet<>();
    pages.forEach(page -> kept.add(run.path(page.path())));
    try {
      for (FileStatus file : run.fileSystem().listStatus(run.path(ArtifactIndex.PAGES))) {
        if (!kept.contains(file.getPath())) {
          run.fileSystem().delete(file.getPath(), false);
        }
      }
    } catch (FileNotFoundException e) {
      return; // a small run never had pages
    }
  }
}
