package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Says in a line why storage failed and how to mend it. Connectors are told apart by the names of
 * their exceptions: their classes may not be there.
 */
public final class StorageProblem {
  private static final int DEEPEST_CAUSE = 20;

  private static final Set<String> SILENT =
      Set.of(
          "ConnectException",
          "ConnectTimeoutException",
          "HttpHostConnectException",
          "NoHttpResponseException",
          "NoRouteToHostException",
          "SocketTimeoutException",
          "UnknownHostException");

  private static final Set<String> NO_CREDENTIALS =
      Set.of(
          "CredentialInitializationException",
          "NoAuthWithAWSException",
          "NoAwsCredentialsException");

  private static final List<String> BAD_CREDENTIALS =
      List.of("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken");

  private static final Set<String> DENIED =
      Set.of("AccessControlException", "AccessDeniedException");

  private static final List<String> FULL =
      List.of(
          "No space left on device",
          "Disk quota exceeded",
          "quota is exceeded",
          "quota of",
          "minReplication nodes");

  private StorageProblem() {}

  /**
   * The exception to throw.
   *
   * @param what cannot be done, with the path: {@code Cannot write s3a://bucket/a}
   */
  public static TuneQdmException environment(String what, Exception failure) {
    return TuneQdmException.environment(what + ": " + reason(failure), failure);
  }

  /** The reason, in a line. */
  static String reason(Exception failure) {
    List<Throwable> causes = causes(failure);
    String text = firstLine(failure);
    String all = String.join(" ", causes.stream().map(StorageProblem::firstLine).toList());
    if (anyNamed(causes, Set.of("UnknownStoreException")) || all.contains("NoSuchBucket")) {
      return "there is no such bucket (create it, or mend the address)";
    }
    if (anyNamed(causes, NO_CREDENTIALS) || BAD_CREDENTIALS.stream().anyMatch(all::contains)) {
      return "the store does not accept the credentials: "
          + text
          + " (set spark.hadoop.fs.s3a.access.key and spark.hadoop.fs.s3a.secret.key, or"
          + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)";
    }
    if (anyNamed(causes, DENIED)) {
      return "permission denied: "
          + text
          + " (grant it to the job's user, or choose another folder)";
    }
    if (FULL.stream().anyMatch(all::contains)) {
      return text + " (free some space and run the same command again)";
    }
    if (anyNamed(causes, SILENT)) {
      return "the storage does not answer: "
          + firstLine(
              causes.stream().filter(c -> SILENT.contains(name(c))).findFirst().orElseThrow())
          + " (does it run, and is its address right?)";
    }
    if (all.contains("org.apache.hadoop.fs.s3a.S3AFileSystem not found")) {
      return "this Spark cannot read s3a: (put hadoop-aws and the AWS client into its jars folder, or"
          + " unset SPARK_HOME: the embedded Spark has them)";
    }
    if (all.contains("Status Code: 501")) {
      return text
          + " (a store without conditional writes needs spark.hadoop.fs.s3a.create.conditional.enabled=false)";
    }
    return text;
  }

  private static List<Throwable> causes(Throwable failure) {
    List<Throwable> causes = new ArrayList<>();
    for (Throwable t = failure; t != null && causes.size() < DEEPEST_CAUSE; t = t.getCause()) {
      causes.add(t);
    }
    return causes;
  }

  private static boolean anyNamed(List<Throwable> causes, Set<String> names) {
    return causes.stream().anyMatch(cause -> names.contains(name(cause)));
  }

  private static String name(Throwable failure) {
    return failure.getClass().getSimpleName();
  }

  /** Remote exceptions carry pages. */
  private static String firstLine(Throwable failure) {
    String message = failure.getMessage();
    String line = message == null ? "" : message.lines().findFirst().orElse("");
    if (line.isEmpty()) {
      return name(failure);
    }
    boolean saysMore = failure instanceof IOException && failure.getClass() != IOException.class;
    return saysMore ? name(failure) + ": " + line : line;
  }
}
