package io.github.tuneqdm.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Properties;

/**
 * A style sheet or script that stands in the page, and its hash, which the page's policy allows.
 *
 * @param text without a closing tag of its own
 */
record PageScript(String text) {
  /** Of ours, beside this class. */
  static PageScript own(String name) {
    return new PageScript(resource(name));
  }

  /**
   * Of uPlot, the plotting library.
   *
   * @param name in its folder {@code dist}
   */
  static PageScript plots(String name) {
    return new PageScript(uplot("dist/" + name));
  }

  /** It has to stand wherever uPlot does. */
  static String plotsLicence() {
    return uplot("LICENSE");
  }

  /** The library's jar has its version in its paths. */
  private static String uplot(String path) {
    try {
      Properties jar = new Properties();
      jar.load(new StringReader(resource("/META-INF/maven/org.webjars.npm/uplot/pom.properties")));
      return resource(
          "/META-INF/resources/webjars/uplot/" + jar.getProperty("version") + "/" + path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As a Content-Security-Policy names it. */
  String hash() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = PageScript.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
