"""How a page looks: readable on a phone, by day and by night, without colours, without a network."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1f21; --pale: #5d6268; --line: #dcdfe3; --tint: #f4f6f8;
  --accent: #005a9c; --wide: 76rem }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --ink: #e4e6e8; --pale: #a3a9b0; --line: #383d44; --tint: #1f2327; --accent: #7cc0f4 } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif;
  overflow-wrap: break-word }
a { color: var(--accent) }
header, main, footer { max-width: var(--wide); margin: auto; padding: 0 1rem }
header { padding-top: 3rem }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em }
h2 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; letter-spacing: -.01em }
h3 { font-size: 1.15rem; line-height: 1.35; margin: 2.5rem 0 .5rem }
p { max-width: 44rem; margin: 0 0 1rem }
section { margin: 4rem 0; padding-top: 2rem; border-top: 1px solid var(--line) }
h2 a, h3 a { color: inherit; text-decoration: none }
h2 a:hover::after, h3 a:hover::after { content: " #"; color: var(--pale) }
.lead { font-size: 1.15rem }
.data, .note, footer { color: var(--pale) }
.data { font-size: .92em }
footer { padding: 2rem 1rem 3rem; font-size: .9rem }
nav ol { columns: 16rem; padding-left: 1.4rem; margin: 1.5rem 0 }
nav li { padding: .15rem 0; break-inside: avoid }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .75rem;
  margin: 1.5rem 0; padding: 0; list-style: none }
.facts li { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
  font-size: .92rem; line-height: 1.45 }
.facts b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.gallery { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 0 1.5rem;
  align-items: start; margin: 1.75rem 0 }
figure { margin: 0; padding-bottom: 1.5rem; break-inside: avoid }
figure:only-child:not(.table) { max-width: 36rem }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: .4rem; padding: .35rem }
figcaption { font-size: .9rem; line-height: 1.45; padding: .5rem .1rem 0 }
figure .small { display: none }
figure:target:not(.table) { grid-column: 1 / -1; max-width: 56rem }
figure:target .large { display: none }
figure:target .small { display: inline }
.table { display: inline-block; vertical-align: top; width: 100%; max-width: 35.5rem; margin: 1.25rem 1rem 0 0 }
.table.wide { max-width: 62rem }
.table figcaption { padding: 0 0 .4rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .95rem; line-height: 1.35;
  font-variant-numeric: tabular-nums }
th, td { padding: .4rem .55rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line) }
thead th { border-top: 0; border-bottom: 2px solid var(--ink); font-weight: 600; vertical-align: bottom }
th:first-child, .words { text-align: left }
th:first-child { padding-left: 0 }
tbody th { font-weight: 400; min-width: 7.5rem }
.prose tbody th { white-space: nowrap }
.prose td.words { min-width: 11rem }
.wide:not(.prose) th:first-child { position: sticky; left: 0; background: var(--paper) }
td.words { overflow-wrap: anywhere }
td small { display: block; color: var(--pale); white-space: nowrap }
td span { display: block; white-space: nowrap }
sup { font-size: .7em; color: var(--pale); line-height: 0; padding-left: .1em }
.strip { display: block; width: 100%; max-width: 15rem; height: auto; margin-top: .15rem; overflow: visible }
.strip path { fill: none; stroke: var(--line); stroke-width: 1.5 }
.strip .interval { stroke: var(--accent); stroke-width: 5; opacity: .45 }
.strip .floor { stroke: var(--ink); stroke-width: 2 }
.strip .quote { stroke: var(--ink); fill: var(--paper); stroke-width: 1.3 }
.strip circle { fill: var(--accent) }
details { margin: 1.25rem 0; border: 1px solid var(--line); border-radius: .5rem; padding: 0 .9rem }
summary { cursor: pointer; padding: .6rem 0; font-weight: 600 }
.graph { display: block; width: 100%; max-width: 30rem; height: auto; font-size: 13px }
.graph text { fill: var(--ink); font-family: ui-monospace, monospace }
.graph .count { fill: var(--pale) }
.graph rect { fill: transparent }
.graph circle { fill: var(--ink) }
.graph path { fill: none; stroke: var(--pale); stroke-width: 1; opacity: .55 }
.graph .back { stroke-dasharray: 4 3 }
.graph g:hover path { stroke: var(--accent); stroke-width: 2.4; opacity: 1 }
.graph g:hover circle { fill: var(--accent) }
@media (max-width: 30rem) {
  header { padding-top: 1.5rem }
  section { margin: 2.5rem 0; padding-top: 1.5rem }
  th, td { padding: .4rem .35rem }
  table { font-size: .88rem }
  tbody th { min-width: 6rem }
  .prose tr, .prose th, .prose td { display: block; text-align: left; padding: .15rem 0; border: 0 }
  .prose thead { display: none }
  .prose tbody th { font-weight: 600 }
  .prose tbody tr { padding: .5rem 0; border-top: 1px solid var(--line) }
  .prose td::before { content: attr(data-name) ": "; color: var(--pale) } }
@media print { details { border: 0 } section { break-before: page; border: 0 } nav { display: none } }
"""

PAGE = """
{%- macro words(block, column) -%}{% if column in block.words %} class="words"{% endif %}{%- endmacro -%}

{%- macro part(block, number) -%}
<h3 id="{{ number }}"><a href="#{{ number }}">{{ block.title }}</a></h3>
{%- if block.text %}<p>{{ block.text }}</p>{% endif -%}
{%- endmacro -%}

{%- macro table(block, number) -%}
<figure class="table{% if block.words %} wide prose{% elif block.head|length > 4 %} wide{% endif %}" id="{{ number }}">
<figcaption id="{{ number }}-says"><b>Table {{ block|numbered }}.</b> {{ block.says }}
{%- if block.data %} <span class="data">{{ block.data }}</span>{% endif %}</figcaption>
<div class="scroll" tabindex="0" role="region" aria-labelledby="{{ number }}-says">
<table aria-labelledby="{{ number }}-says">
<thead><tr>{% for name in block.head -%}
<th scope="col"{{ words(block, loop.index0) }}>{{ name }}</th>
{%- endfor %}</tr></thead>
<tbody>{% for row in block.rows %}<tr>{% for cell in row -%}
{% if loop.first %}<th scope="row">{{ cell }}</th>
{%- else %}<td{{ words(block, loop.index0) }} data-name="{{ block.head[loop.index0] }}">{{ cell }}</td>{% endif %}
{%- endfor %}</tr>
{% endfor %}</tbody></table></div></figure>
{%- endmacro -%}

{%- macro gallery(block, number) -%}
<div class="gallery" id="{{ number }}">{% for picture in block.pictures %}{% set image = picture.png|inline %}
{%- set name = number ~ "-" ~ loop.index -%}
<figure id="{{ name }}"><a href="#{{ name }}" title="Enlarge"><img src="{{ image.uri }}" width="{{ image.width }}" \
height="{{ image.height }}" alt="{{ picture.says }}"></a>
<figcaption><b>Figure {{ picture|numbered }}.</b> {{ picture.says }} <span class="data">{{ picture.data }}</span>
<a class="large" href="#{{ name }}">Enlarge</a><a class="small" href="#{{ number }}">Back to size</a>
</figcaption></figure>
{% endfor %}</div>
{%- endmacro -%}

{%- macro drawing(block, number) -%}
<figure id="{{ number }}">{{ block.svg }}
<figcaption><b>Figure {{ block|numbered }}.</b> {{ block.says }}</figcaption></figure>
{%- endmacro -%}

{%- set macros = {"part": part, "table": table, "gallery": gallery, "drawing": drawing} -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>{{ style }}</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<p class="lead">{{ lead }}</p>
<ul class="facts">{% for value, words in facts %}<li><b>{{ value }}</b>{{ words }}</li>{% endfor %}</ul>
<nav aria-label="Contents"><ol>{% for section in sections -%}
<li><a href="#{{ section.anchor }}">{{ section.title }}</a></li>
{%- endfor %}</ol></nav>
{% for line in notes %}<p class="note">{{ line }}</p>
{% endfor -%}
</header>
<main>
{% for section in sections %}
<section id="{{ section.anchor }}">
<h2><a href="#{{ section.anchor }}">{{ loop.index }} {{ section.title }}</a></h2>
{% for line in section.text %}<p>{{ line }}</p>
{% endfor -%}
{% for block in section.blocks %}{% set number = section.anchor ~ "-" ~ loop.index -%}
{% if block.folded %}<details id="{{ number }}-folded"><summary>{{ block.folded }}</summary>
{{ macros[block.kind](block, number) }}</details>
{% else %}{{ macros[block.kind](block, number) }}
{% endif %}{% endfor %}</section>
{% endfor %}</main>
<footer>{% for line in foot %}<p>{{ line }}</p>{% endfor %}</footer>
</body>
</html>
"""
