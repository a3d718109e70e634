"""LaTeX set as the words that a reader sees, on one line."""

import re

_STEPS = (  # of an algorithm
    "State|Statex|Require|Ensure|For|ForAll|EndFor|If|ElsIf|Else|EndIf|While|EndWhile|Repeat|Until|Return|Comment|Function|"
    "EndFunction|KwIn|KwOut|KwTo|KwResult|KwData|Input|Output|STATE|REQUIRE|ENSURE|FOR|ENDFOR|IF|ENDIF|WHILE|ENDWHILE|RETURN"
)
_INNER = (  # from the inside out, before anything else
    (
        re.compile(
            r"\\(?:math(?:rm|bf|cal|bb|sf|it|scr|frak)|operatorname\*?|text\w{0,4}|bm|boldsymbol)\{([^{}]{1,200})\}"
        ),
        r"{\1}",
    ),
    (re.compile(r"([_^])\{([^{}]{0,100})\}"), r"\1\2"),
    (re.compile(r"\\(bar|hat|tilde|vec|overline|widehat|dot)\s?\{([^{}]{1,40})\}"), r"\1\2"),
    (re.compile(r"(?<![A-Za-z}\]])\{([\w ,.]{1,40})\}"), r"\1"),
    (re.compile(r"\\sqrt\{([^{}]{0,300})\}"), r"sqrt(\1)"),
    (re.compile(r"\\[dt]?frac\{([^{}]{0,600})\}\{([^{}]{0,600})\}"), r"\1 / \2 "),
)
_DEPTH = 4
_NESTED = re.compile(r"\\[dt]?frac|\\sqrt")
_WORDS = (  # what a command looks like once it is set
    (re.compile(r"\\(?:label|ref|eqref|autoref|cref|cite\w{0,9}|color|vspace|hspace|includegraphics)\*?"), r"\\drop"),
    (re.compile(r"\\drop(?:\[[^\]]{0,200}\]){0,2}\{[^{}]{0,400}\}"), ""),
    (re.compile(r"\\(?:thanks|footnote|footnotemark|footnotetext)(?:\[[^\]]{0,20}\])?\{[^{}]{0,600}\}"), ""),
    (re.compile(r"\\times(?![A-Za-z])"), "×"),
    (re.compile(r"\\cdot(?![A-Za-z])(?=\s?\d)"), "·"),
    (re.compile(r"\\(?:odot|circ)(?![A-Za-z])"), "⊙"),
    (re.compile(r"\\(?:Vert|\|)|\\[lr]Vert(?![A-Za-z])"), "||"),
    (re.compile(r"\\mid(?![A-Za-z])|\\[lr]?vert(?![A-Za-z])"), "|"),
    (re.compile(r"\\(?:dagger|ddagger)(?![A-Za-z])"), "†"),
    (re.compile(r"(?<=\d)\{,\}(?=\d)"), ","),
    (re.compile(r"\\math(?:rm|it)\{e\}\{?(?=-?\d)"), "e"),
    (re.compile(r"\\top(?![A-Za-z])|\\intercal(?![A-Za-z])"), "T"),
    (re.compile(r"\\(?:ldots|cdots|dotsc|dotsb)(?![A-Za-z])"), r"\\dots"),
    (re.compile(r"\\!"), ""),
    (re.compile(rf"\\({_STEPS})(?![A-Za-z])"), r" \1 "),
    (re.compile(r"\\(?:gets|leftarrow)(?![A-Za-z])"), " ← "),
    (
        re.compile(r"\\(in|dots|sum|prod|int|cdot|log|exp|leq?|geq?|to|sim|approx|propto|nabla|partial)(?![A-Za-z])"),
        r" \1",
    ),
    (re.compile(r"\\[,;:> ]|~|\\\\(?:\[[^\]]{0,20}\])?"), " "),
    (re.compile(r"\\([%&#_$])"), r"\1"),
    (re.compile(r"\\(?:begin|end)\{[^{}]{0,40}\}(?:\[[^\]]{0,200}\])?"), " "),
    (re.compile(r"\\item(?![A-Za-z])\s{0,3}(?:\[[^\]]{0,200}\])?"), " ; "),
    (
        re.compile(
            r"\\(?:left|right|[bB]igg?[lr]?|quad|qquad|displaystyle|operatorname|math(?:rm|bf|cal|bb|sf|it|scr|frak)|"
            r"bm|boldsymbol|text\w{0,12}|emph|noindent|par|bf|it|rm|sc|sf|tt|em|maketitle|centering|xspace|"
            r"small|footnotesize|scriptsize|large|Large|appendix|protect|limits|nolimits|textsc|mbox|hbox)(?![A-Za-z])\*?"
        ),
        "",
    ),
    (re.compile(r"\\([A-Za-z]{1,40})\*?"), r"\1"),
    (re.compile(r"[{}$]|\\"), ""),
)


def set_text(tex: str) -> str:
    """Give LaTeX as the words that a reader sees, on one line."""
    for _ in range(_DEPTH if _NESTED.search(tex) else 1):
        for pattern, words in _INNER:
            tex = pattern.sub(words, tex)
    for pattern, words in _WORDS:
        tex = pattern.sub(words, tex)
    return " ".join(tex.split())
