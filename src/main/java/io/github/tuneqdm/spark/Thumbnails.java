package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;

/**
 * Small copies of photos and pictures in {@code report/thumbs/<subject>/}, each named by the hash
 * of what it shows: one that is there is never wrong, and a page finds its own whichever page was
 * written last.
 */
final class Thumbnails {
  static final String FOLDER = "report/thumbs";

  private final RunFolder run;
  private final Map<String, Map<String, String>> fileNames = new ConcurrentHashMap<>();

  Thumbnails(RunFolder run) {
    this.run = run;
  }

  /** Where a page of the report finds it; empty where there is none. */
  Optional<String> address(String subject, String sha256) {
    return Optional.ofNullable(namesOf(subject).get(stem(sha256)))
        .map(name -> "thumbs/" + subject + "/" + name);
  }

  /** The name without its extension. */
  static String stem(String sha256) {
    return sha256.length() > 16 ? sha256.substring(0, 16) : sha256;
  }

  /** Makes what is missing, a task a subject; what cannot be read stays without. */
  void make(
      List<SubjectEntry> subjects,
      List<ImageRow> pictures,
      TuneQdmConfig config,
      OnDemandSpark spark,
      RunIndex index) {
    Map<String, List<ImageRow>> bySubject =
        pictures.stream().collect(Collectors.groupingBy(ImageRow::subject));
    List<ThumbnailTask> tasks = new ArrayList<>();
    for (SubjectEntry subject : subjects) {
      String name = subject.name();
      ThumbnailTask task =
          new ThumbnailTask(
              run.id(),
              config,
              name,
              subject.photos().stream().filter(p -> misses(name, p.sha256())).toList(),
              bySubject.getOrDefault(name, List.of()).stream()
                  .filter(picture -> misses(name, picture.sha256()))
                  .toList());
      if (!task.photos().isEmpty() || !task.pictures().isEmpty()) {
        tasks.add(task);
      }
    }
    if (!tasks.isEmpty()) {
      index.withdraw();
      spark
          .get()
          .fanOut(
              "thumbnails",
              "make thumbnails for %d subjects".formatted(tasks.size()),
              DeviceDemand.NONE,
              tasks,
              (task, environment) -> task.run(environment));
      fileNames.clear();
    }
  }

  private boolean misses(String subject, String sha256) {
    return address(subject, sha256).isEmpty();
  }

  /** Deletes those that a page does not show; what cannot be deleted stays for the next time. */
  void sweep(Set<String> addresses) {
    FileSystem fs = run.fileSystem();
    try {
      for (FileStatus subject : fs.listStatus(run.path(FOLDER))) {
        String folder = "thumbs/" + subject.getPath().getName();
        boolean used = false;
        for (FileStatus file : fs.listStatus(subject.getPath())) {
          if (addresses.contains(folder + "/" + file.getPath().getName())) {
            used = true;
          } else {
            fs.delete(file.getPath(), false);
          }
        }
        if (!used) {
          fs.delete(subject.getPath(), true);
        }
      }
    } catch (FileNotFoundException e) {
      return; // there are none
    } catch (IOException e) {
      return; // housekeeping never fails a run
    }
  }

  private Map<String, String> namesOf(String subject) {
    return fileNames.computeIfAbsent(
        subject,
        s -> {
          Map<String, String> names = new HashMap<>();
          for (String path : run.list(FOLDER + "/" + s)) {
            String name = path.substring(path.lastIndexOf('/') + 1);
            int dot = name.indexOf('.');
            if (dot > 0) {
              names.put(name.substring(0, dot), name);
            }
          }
          return names;
        });
  }
}
