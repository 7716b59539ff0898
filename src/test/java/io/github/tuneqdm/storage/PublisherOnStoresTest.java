package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.stores.BadConnection;
import io.github.tuneqdm.stores.Hdfs;
import io.github.tuneqdm.stores.S3Server;
import io.github.tuneqdm.stores.Stores;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.MultipartUploader;
import org.apache.hadoop.fs.MultipartUploaderBuilder;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Stores.class)
class PublisherOnStoresTest {
  private static final byte[] CONTENT = bytes("content".repeat(1000));
  private static final byte[] OTHER = bytes("other");

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A file system and a folder in it that is not there yet. */
  private record Place(FileSystem fs, Path folder) {
    Path file(String name) {
      return new Path(folder, name);
    }

    byte[] read(String name) throws IOException {
      try (var in = fs.open(file(name))) {
        return in.readAllBytes();
      }
    }

    List<String> names() throws IOException {
      return Stream.of(fs.listStatus(folder)).map(f -> f.getPath().getName()).sorted().toList();
    }
  }

  private static Place onHdfs(Hdfs hdfs, String folder) {
    return new Place(hdfs.fileSystem(), new Path(hdfs.address() + "/publisher/" + folder));
  }

  private static Place onS3(S3Server s3, String bucket) {
    s3.bucket(bucket);
    Path folder = new Path("s3a://" + bucket + "/a/b");
    Configuration configuration = S3Server.configuration(s3.settings(bucket));
    return new Place(Publisher.fileSystem(folder, configuration), folder);
  }

  private static void assertRefused(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n")
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.ENVIRONMENT));
  }

  @Test
  void hdfsKeepsThePublishRule(Hdfs hdfs) throws Exception {
    Place place = onHdfs(hdfs, "rule");
    assertPublishRule(place);
    assertThat(attemptsAtOnce(place, "first", Publisher::publishOrAdopt)).isEqualTo(8);
  }

  @Test
  void s3KeepsThePublishRule(S3Server s3) throws Exception {
    Place place = onS3(s3, "rule");
    assertThat(Publisher.appearsWhole(place.fs(), place.folder())).isTrue();
    assertPublishRule(place);
  }

  private static void assertPublishRule(Place place) throws Exception {
    FileSystem fs = place.fs();
    Publisher.publish(fs, place.file("a"), CONTENT);
    long written = fs.getFileStatus(place.file("a")).getModificationTime();
    assertThat(Publisher.publish(fs, place.file("a"), CONTENT).sha256())
        .isEqualTo(Hashes.sha256(CONTENT));
    assertThat(fs.getFileStatus(place.file("a")).getModificationTime()).isEqualTo(written);
    assertRefused(
        () -> Publisher.publish(fs, place.file("a"), OTHER),
        place.file("a").toString(),
        "a different file is there already");
    assertThat(Publisher.publishOrAdopt(fs, place.file("a"), OTHER).sha256())
        .isEqualTo(Hashes.sha256(CONTENT));
    assertThat(place.read("a")).isEqualTo(CONTENT);

    Publisher.replace(fs, place.file("b"), OTHER);
    Publisher.replace(fs, place.file("b"), CONTENT);
    assertThat(place.read("b")).isEqualTo(CONTENT);

    assertThat(attemptsAtOnce(place, "one", Publisher::publish)).isEqualTo(1);
    assertThat(place.names()).containsExactly("a", "b", "one");
  }

  private interface Publish {
    Publisher.Published file(FileSystem fs, Path target, byte[] content);
  }

  /** Eight attempts with different bytes; returns how many say that the file there is theirs. */
  private static int attemptsAtOnce(Place place, String name, Publish publish) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<String>> attempts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        byte[] content = bytes("content " + i);
        attempts.add(
            () -> {
              try {
                return publish.file(place.fs(), place.file(name), content).sha256();
              } catch (TuneQdmException e) {
                return e.getMessage();
              }
            });
      }
      String there = null;
      int agree = 0;
      for (Future<String> attempt : threads.invokeAll(attempts)) {
        there = there == null ? Hashes.sha256(place.read(name)) : there;
        agree += attempt.get().equals(there) ? 1 : 0;
      }
      return agree;
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void attemptsOfTheDeadAreSweptAndThoseOfTheLivingAreNot(Hdfs hdfs) throws IOException {
    Place place = onHdfs(hdfs, "swept");
    FileSystem fs = place.fs();
    Publisher.publish(fs, place.file("a.json"), CONTENT);
    Path old = Attempts.of(place.file("sub/a.json"));
    Path young = Attempts.of(place.file("a.json"));
    fs.create(old).close();
    fs.create(young).close();
    fs.create(place.file(".hidden.tmp")).close();
    fs.setTimes(old, System.currentTimeMillis() - 2 * Attempts.LONGEST.toMillis(), -1);

    assertThat(Attempts.sweepOld(fs, place.folder())).isEqualTo(1);
    assertThat(fs.exists(old)).isFalse();
    assertThat(fs.exists(young)).isTrue();
    assertThat(Attempts.sweepAll(fs, place.folder())).isEqualTo(1);
    assertThat(place.names()).containsExactly(".hidden.tmp", "a.json", "sub");
    assertThat(Attempts.sweepAll(fs, place.file("not-there"))).isZero();
  }

  @Test
  void uploadsThatWereNeverCompletedAreSwept(S3Server s3) throws Exception {
    Place place = onS3(s3, "uploads");
    Publisher.publish(place.fs(), place.file("a"), CONTENT);
    MultipartUploaderBuilder<?, ?> builder = place.fs().createMultipartUploader(place.folder());
    try (MultipartUploader uploads = builder.build()) {
      uploads.startUpload(place.file("b")).get();
    }
    java.nio.file.Path disk = s3.bucket("uploads");
    assertThat(names(disk)).anyMatch(name -> name.contains("mpu"));

    Attempts.sweepAll(place.fs(), place.folder());

    assertThat(names(disk)).containsExactly("a");
  }

  private static List<String> names(java.nio.file.Path folder) throws IOException {
    try (Stream<java.nio.file.Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()).toList();
    }
  }

  @Test
  void anAnswerThatGotLostIsNoFailure(S3Server s3) throws Exception {
    s3.bucket("lost");
    Path folder = new Path("s3a://lost/a");
    try (BadConnection bad = BadConnection.to(s3.port(), 3)) {
      Configuration configuration = S3Server.configuration(s3.settings("lost", bad.port()));
      Place place = new Place(Publisher.fileSystem(folder, configuration), folder);
      bad.spoil(0.4);
      int published = 0;
      for (int i = 0; i < 15; i++) {
        try {
          Publisher.publish(place.fs(), place.file("f" + i), CONTENT);
          published++;
        } catch (TuneQdmException e) {
          assertThat(e).hasMessageContaining(place.file("f" + i).toString());
        }
      }
      bad.spoil(0);
      assertThat(bad.faults()).containsOnlyKeys(BadConnection.Fault.values());
      assertThat(published).isGreaterThan(5);
      for (FileStatus file : place.fs().listStatus(folder)) {
        assertThat(place.read(file.getPath().getName())).isEqualTo(CONTENT);
      }
    }
  }

  @Test
  void s3SaysInALineWhatIsWrong(S3Server s3) {
    s3.bucket("closed");
    Map<String, String> wrong = new HashMap<>(s3.settings("closed"));
    wrong.put("fs.s3a.bucket.closed.secret.key", "wrong");
    assertCannotWrite("s3a://closed/a", wrong, "does not accept the credentials");

    assertCannotWrite("s3a://missing/a", s3.settings("missing"), "there is no such bucket");

    assertCannotWrite(
        "s3a://nowhere/a", s3.settings("nowhere", 1), "the storage does not answer", "refused");
  }

  private static void assertCannotWrite(
      String folder, Map<String, String> settings, String... parts) {
    Path path = new Path(folder);
    Configuration configuration = S3Server.configuration(settings);
    assertRefused(
        () -> Publisher.requireWritable(Publisher.fileSystem(path, configuration), path),
        Stream.concat(Stream.of("Cannot write to " + folder), Stream.of(parts))
            .toArray(String[]::new));
  }

  @Test
  void hdfsSaysInALineWhatIsWrong(Hdfs hdfs) throws Exception {
    DistributedFileSystem fs = hdfs.fileSystem();
    Path full = new Path(hdfs.address() + "/full");
    fs.mkdirs(full);
    fs.setQuota(full, 1000, 1000);
    assertRefused(
        () -> Publisher.publish(fs, new Path(full, "a"), CONTENT),
        "Cannot write " + full + "/a",
        "quota",
        "run the same command again");
    assertThat(fs.listStatus(full)).isEmpty();

    Path closed = new Path(hdfs.address() + "/closed");
    fs.mkdirs(closed);
    fs.setPermission(closed, new FsPermission("700"));
    UserGroupInformation.createRemoteUser("someone")
        .doAs(
            (java.security.PrivilegedExceptionAction<Void>)
                () -> {
                  FileSystem theirs = FileSystem.newInstance(fs.getUri(), new Configuration());
                  assertRefused(
                      () -> Publisher.requireWritable(theirs, new Path(closed, "runs")),
                      closed + "/runs",
                      "permission denied",
                      "someone");
                  return null;
                });
  }
}
