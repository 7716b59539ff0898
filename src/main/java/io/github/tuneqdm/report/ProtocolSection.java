package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.LivePrompts;
import io.github.tuneqdm.metrics.PromptSet;

/** How the scores were taken, so that others can take them again. */
final class ProtocolSection {
  private final EvaluationProtocol protocol;

  ProtocolSection(EvaluationProtocol protocol) {
    this.protocol = protocol;
  }

  void write(Html html) {
    html.raw("<section id=\"protocol\"><h2>Protocol</h2>\n");
    html.raw("<p class=\"note\">DINO and CLIP-I: mean cosine of an image to all photos of its");
    html.raw(" subject. CLIP-T: cosine of an image to its own prompt's text.</p>\n");
    html.raw("<dl class=\"facts\">\n");
    fact(html, "Text", protocol.tokenRule().description());
    fact(html, "Sampler", Html.format("%s, %d steps", protocol.sampler(), protocol.steps()));
    fact(html, "Guidance", plain(protocol.guidance()));
    fact(
        html,
        "Images",
        Html.format(
            "%d prompts x %d, seeds from %d, counting up over prompts and images",
            protocol.prompts().size(), protocol.imagesPerPrompt(), protocol.firstSeed()));
    protocol.preprocessing().forEach((name, what) -> fact(html, name + " preprocessing", what));
    protocol.modelHashes().forEach((name, hash) -> fact(html, name + " weights (SHA-256)", hash));
    LivePrompts live = protocol.livePrompts();
    if (live != null) {
      fact(html, "Classes with prompts of their own", String.join(", ", live.classes()));
    }
    html.raw("</dl>\n");
    prompts(html, protocol.prompts(), "prompts");
    if (live != null) {
      prompts(html, live.prompts(), "prompts of those classes");
    }
    html.raw("</section>\n");
  }

  private static void prompts(Html html, PromptSet prompts, String what) {
    html.raw("<details><summary>All ").text(prompts.size()).raw(" " + what);
    html.raw(" <span>{0} identifier, {1} class noun</span></summary><ol start=\"0\">\n");
    for (String template : prompts.templates()) {
      html.raw("<li>").text(template).raw("</li>\n");
    }
    html.raw("</ol></details>\n");
  }

  static void fact(Html html, String name, String value) {
    html.raw("<div><dt>").text(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
