"use strict";(self.rspackChunkmlexpert_nb=self.rspackChunkmlexpert_nb||[]).push([[700],{966(e,r,l){var o=l(601),i=l.n(o),t=l(314),a=(l.n(t))()(i());a.push([e.id,`/* \`.mlx.mlx\` outranks the notebook's own rules for lists, tables and code in outputs. */
.mlx {
  --mlx-text: var(--jp-content-font-color1, var(--vscode-editor-foreground, inherit));
  --mlx-line: var(--jp-border-color2, rgba(128, 128, 128, 0.35));
  --mlx-soft: color-mix(in srgb, currentColor 5%, transparent);
  --mlx-mono: var(--jp-code-font-family, ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace);
  --mlx-tone: #6e7781;
  box-sizing: border-box;
  color: var(--mlx-text);
  container-type: inline-size;
  font-family: var(--jp-content-font-family, system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif);
  font-size: var(--jp-content-font-size1, 14px);
  line-height: 1.5;
  max-width: 900px;
  overflow-wrap: anywhere;
}
.mlx-good { --mlx-tone: #2da44e; }
.mlx-bad { --mlx-tone: #e5534b; }
.mlx-warn { --mlx-tone: #d4a72c; }
.mlx-info { --mlx-tone: #539bf5; }

.mlx.mlx ul, .mlx.mlx dl { list-style: none; margin: 0; padding: 0; }
.mlx.mlx li { list-style: none; margin: 0; }
.mlx.mlx li::marker { content: ""; }
.mlx.mlx dt, .mlx.mlx dd { float: none; font-weight: 400; margin: 0; padding: 0; width: auto; }
.mlx.mlx p { margin: 6px 0; }
.mlx.mlx code, .mlx.mlx pre { background: none; font-family: var(--mlx-mono); font-size: 0.92em; padding: 0; }
.mlx.mlx pre { margin: 4px 0; max-height: 420px; overflow: auto; white-space: pre-wrap; }
.mlx.mlx table { border-collapse: collapse; font-size: 0.92em; margin: 0; table-layout: auto; width: 100%; }
.mlx.mlx th, .mlx.mlx td {
  border: 0;
  overflow-wrap: break-word;
  padding: 3px 14px 3px 0;
  text-align: left;
  vertical-align: top;
  white-space: normal;
}
.mlx.mlx th { font-weight: 600; opacity: 0.72; white-space: nowrap; }
.mlx.mlx tr { background: transparent; }
.mlx.mlx tbody tr + tr td { border-top: 1px solid var(--mlx-soft); }
.mlx.mlx details { border-top: 1px solid var(--mlx-line); margin: 0; padding: 6px 0; }
.mlx.mlx summary { cursor: pointer; display: list-item; }
.mlx.mlx summary:focus-visible { outline: 2px solid var(--mlx-tone); outline-offset: 2px; }
.mlx .mlx-quiet { opacity: 0.72; }

.mlx-head { font-weight: 600; margin-bottom: 6px; }
.mlx-mark {
  background: var(--mlx-tone);
  border-radius: 50%;
  color: #fff;
  display: inline-block;
  font-size: 0.8em;
  height: 1.5em;
  line-height: 1.5em;
  margin-right: 0.3em;
  text-align: center;
  vertical-align: 0.12em;
  width: 1.5em;
}
.mlx-warn .mlx-mark { color: #1f2328; }
.mlx-asked { white-space: pre-wrap; }

.mlx.mlx .mlx-figures { display: grid; gap: 8px; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); margin: 12px 0; }
.mlx-figures > div { background: var(--mlx-soft); border-radius: 6px; padding: 7px 10px; }
.mlx.mlx .mlx-figures dt { font-size: 0.82em; opacity: 0.72; }
.mlx.mlx .mlx-figures dd { font-size: 1.25em; font-variant-numeric: tabular-nums; font-weight: 600; line-height: 1.3; }
.mlx .mlx-figures small { display: block; font-size: 0.62em; font-weight: 400; line-height: 1.35; opacity: 0.72; }

.mlx.mlx .mlx-failed { margin: 10px 0; }
.mlx.mlx .mlx-failed > li {
  background: color-mix(in srgb, #e5534b 10%, transparent);
  border-radius: 6px;
  margin: 0 0 8px;
  padding: 8px 12px;
}
.mlx.mlx .mlx-rows { display: grid; gap: 1px 12px; grid-template-columns: max-content minmax(0, 1fr); margin: 4px 0 0; }
.mlx.mlx .mlx-rows dt { opacity: 0.72; }
.mlx-scroll { margin: 4px 0; max-height: 360px; overflow: auto; }

.mlx-shares { border-top: 1px solid var(--mlx-line); padding: 10px 0; }
.mlx-shares svg { display: block; height: 18px; margin: 2px 0 8px; max-width: none !important; }
.mlx.mlx .mlx-legend { display: flex; flex-wrap: wrap; font-size: 0.92em; gap: 2px 20px; }
.mlx.mlx .mlx-facts { border-top: 1px solid var(--mlx-line); font-size: 0.9em; margin: 0; padding-top: 8px; }
.mlx.mlx .mlx-steps { border-top: 1px solid var(--mlx-line); margin: 8px 0 0; padding: 8px 0 0; }
.mlx.mlx .mlx-steps li { margin: 2px 0; }
.mlx.mlx .mlx-steps code { background: var(--mlx-soft); border-radius: 4px; padding: 2px 6px; user-select: all; }

.mlx-clock { float: right; font-variant-numeric: tabular-nums; margin-left: 18px; opacity: 0.72; }
.mlx.mlx .mlx-phases { display: flex; flex-wrap: wrap; gap: 4px 18px; }
.mlx.mlx .mlx-phases li { opacity: 0.55; }
.mlx.mlx .mlx-phases .mlx-done { opacity: 0.85; }
.mlx.mlx .mlx-phases .mlx-now { font-weight: 600; opacity: 1; }
.mlx-meter { background: var(--mlx-soft); border-radius: 3px; height: 6px; margin: 8px 0 4px; overflow: hidden; }
.mlx-meter > div { background: var(--mlx-tone); border-radius: 3px; height: 6px; }
.mlx-doing { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }

@container (max-width: 460px) {
  .mlx.mlx .mlx-figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@container (max-width: 240px) {
  .mlx.mlx .mlx-figures { grid-template-columns: minmax(0, 1fr); }
}
`,""]),l.d(r,{},{A:a})},898(e,r,l){var o=l(601),i=l.n(o),t=l(314),a=(l.n(t))()(i());a.push([e.id,`/* The card in JupyterLab and Notebook 7: what it has beyond the HTML card, whose style sheet comes first. */
.mlx-card {
  border: 1px solid var(--mlx-line);
  border-left: 4px solid var(--mlx-tone);
  border-radius: 6px;
  padding: 12px 16px;
}
.mlx-host { padding: 4px 4px 4px 0; }
.mlx .mlx-quote { border-left: 3px solid var(--mlx-line); margin: 8px 0; padding-left: 10px; }
.mlx .mlx-cut { color: var(--jp-warn-color0, #b35900); }

.mlx-button {
  background: var(--jp-layout-color2, rgba(128, 128, 128, 0.12));
  border: 1px solid var(--mlx-line);
  border-radius: 4px;
  color: inherit;
  cursor: pointer;
  font: inherit;
  font-size: 0.92em;
  line-height: 1.4;
  padding: 3px 10px;
}
.mlx-button:hover:not(:disabled) { background: var(--jp-layout-color3, rgba(128, 128, 128, 0.24)); }
.mlx-button:focus-visible { outline: 2px solid var(--jp-brand-color1, #2196f3); outline-offset: 1px; }
.mlx-button:disabled { cursor: default; opacity: 0.5; }
.mlx-button.mlx-primary {
  background: #1565c0; /* white on it has a contrast of 5.7 in both themes */
  border-color: transparent;
  color: #fff;
}
.mlx-button.mlx-primary:hover:not(:disabled) { background: #0d47a1; }
.mlx-toolbar { align-items: center; display: flex; flex-wrap: wrap; gap: 6px; margin: 10px 0; }
.mlx-status { flex: 1 1 12em; font-size: 0.92em; opacity: 0.85; padding-left: 4px; }

.mlx-bar { border-radius: 3px; display: flex; gap: 2px; height: 18px; margin: 2px 0 8px; overflow: hidden; }
.mlx-bar > div { min-width: 1px; }
.mlx-swatch { border-radius: 2px; display: inline-block; height: 10px; margin-right: 8px; width: 10px; }

.mlx.mlx .mlx-list { font-size: 0.92em; margin: 4px 0; max-height: 420px; overflow: auto; }
.mlx.mlx .mlx-list > li {
  align-items: center;
  border-top: 1px solid var(--mlx-soft);
  display: grid;
  gap: 2px 10px;
  grid-template-columns: minmax(0, 2fr) minmax(0, 3fr) auto;
  padding: 3px 4px 3px 0;
}
.mlx.mlx .mlx-list details { border: 0; padding: 0; }
.mlx.mlx .mlx-list details[open] { grid-column: 1 / -1; }
.mlx .mlx-list pre { background: var(--mlx-soft); border-radius: 4px; padding: 6px 8px; }
.mlx .mlx-list .mlx-button { font-size: 0.9em; justify-self: end; padding: 1px 8px; white-space: nowrap; }
.mlx-chip { border-radius: 9px; font-size: 0.9em; justify-self: start; padding: 0 8px; width: fit-content; }
.mlx-chip-same { background: color-mix(in srgb, #2da44e 18%, transparent); }
.mlx-chip-new { background: var(--mlx-soft); opacity: 0.85; }
.mlx-chip-changed, .mlx-chip-removed { background: color-mix(in srgb, #539bf5 20%, transparent); }
.mlx-chip-edited { background: color-mix(in srgb, #d4a72c 20%, transparent); }
.mlx-chip-conflict { background: color-mix(in srgb, #e5534b 20%, transparent); }

@container (max-width: 460px) {
  .mlx.mlx .mlx-list > li { grid-template-columns: minmax(0, 1fr) auto; }
  .mlx .mlx-list .mlx-what, .mlx .mlx-list .mlx-chip { grid-column: 1; grid-row: 2; }
  .mlx .mlx-list .mlx-button { grid-column: 2; grid-row: 1 / span 2; }
}
`,""]),l.d(r,{},{A:a})},2(e,r,l){var o=l(601),i=l.n(o),t=l(314),a=(l.n(t))()(i());a.push([e.id,`/* The form of a run that waits for answers. */
.mlx-form { margin: 10px 0; }
.mlx-form .mlx-question { border: 0; margin: 0 0 14px; min-width: 0; padding: 0; }
.mlx-form legend { font-weight: 600; padding: 0; }
.mlx-form .mlx-options { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 4px 0; }
.mlx-form .mlx-option { align-items: baseline; cursor: pointer; display: inline-flex; gap: 6px; min-width: 0; padding: 2px 0; }
.mlx-form input[type='radio'] { accent-color: var(--jp-brand-color1, #2196f3); flex: none; margin: 0; position: relative; top: 1px; }
.mlx-form .mlx-words { align-items: baseline; display: grid; gap: 2px 10px; grid-template-columns: max-content minmax(0, 1fr); margin-top: 4px; }
.mlx-form .mlx-words > span { font-size: 0.92em; opacity: 0.8; }
.mlx-form textarea {
  background: var(--jp-layout-color1, Canvas);
  border: 1px solid var(--jp-border-color1, rgba(128, 128, 128, 0.6));
  border-radius: 4px;
  box-sizing: border-box;
  color: inherit;
  field-sizing: content; /* grows with what is typed, where the browser knows how */
  font: inherit;
  max-height: 12em;
  min-height: 2em;
  padding: 3px 8px;
  resize: vertical;
  width: 100%;
}
.mlx-form textarea:focus-visible, .mlx-form input:focus-visible { outline: 2px solid var(--jp-brand-color1, #2196f3); outline-offset: 1px; }
.mlx-form textarea[aria-invalid='true'] { border-color: var(--jp-error-color1, #d32f2f); }
.mlx.mlx .mlx-form .mlx-wrong, .mlx.mlx .mlx-form .mlx-why { border-radius: 4px; font-size: 0.92em; padding: 2px 8px; width: fit-content; }
.mlx.mlx .mlx-form .mlx-wrong { background: color-mix(in srgb, #e5534b 16%, transparent); margin: 4px 0 0; }
.mlx.mlx .mlx-form .mlx-wrong:empty { display: none; }
.mlx.mlx .mlx-form .mlx-why { background: color-mix(in srgb, #d4a72c 20%, transparent); }
.mlx.mlx .mlx-form .mlx-why:empty { display: none; }
.mlx.mlx .mlx-form .mlx-runs { font-size: 0.88em; margin: 0; }

@container (max-width: 460px) {
  .mlx-form .mlx-options { flex-direction: column; }
  .mlx-form .mlx-words { grid-template-columns: minmax(0, 1fr); }
}
`,""]),l.d(r,{},{A:a})},646(e,r,l){var o=l(601),i=l.n(o),t=l(314),a=l.n(t),n=l(966),m=l(898),x=l(816),p=l(2),d=a()(i());d.i(n.A),d.i(m.A),d.i(x.A),d.i(p.A),d.push([e.id,`
`,""]),l.d(r,{},{A:d})},816(e,r,l){var o=l(601),i=l.n(o),t=l(314),a=(l.n(t))()(i());a.push([e.id,`/* The review: a dialog as wide as the window allows, each change with its two versions side by side. */
.mlx-review {
  background: var(--jp-layout-color1, Canvas);
  border: 1px solid var(--mlx-line);
  border-radius: 8px;
  box-shadow: 0 8px 32px rgba(0, 0, 0, 0.35);
  color: var(--jp-ui-font-color1, CanvasText);
  flex-direction: column;
  max-height: 90vh;
  max-width: none;
  padding: 0;
  width: min(1280px, 96vw);
}
.mlx-review[open] { display: flex; }
.mlx-review::backdrop { background: rgba(0, 0, 0, 0.45); }
.mlx-review-head, .mlx-review-foot {
  align-items: center;
  display: flex;
  flex: none;
  flex-wrap: wrap;
  gap: 8px;
  padding: 10px 16px;
}
.mlx-review-head { border-bottom: 1px solid var(--mlx-line); }
.mlx-review-head [role='status'] { flex: 1; }
.mlx-review-title { font-size: 1.1em; }
.mlx-review-foot { border-top: 1px solid var(--mlx-line); }
.mlx-review-foot .mlx-keys { flex: 1; font-size: 0.88em; }
.mlx-review-body { overflow: auto; padding: 8px 16px 16px; }

.mlx-change { border: 1px solid var(--mlx-line); border-radius: 6px; margin-top: 10px; overflow: hidden; }
.mlx-change:focus, .mlx-change:focus-within { border-color: var(--jp-brand-color1, #2196f3); outline: none; }
.mlx-change:focus { box-shadow: 0 0 0 1px var(--jp-brand-color1, #2196f3); }
.mlx-change-head { align-items: center; background: var(--mlx-soft); display: flex; flex-wrap: wrap; gap: 6px 10px; padding: 5px 10px; }
.mlx-choices { display: flex; gap: 6px; margin-left: auto; }
.mlx-choices [aria-pressed='true'] {
  background: #1565c0;
  color: #fff;
}
.mlx-change .mlx-scroll { margin: 0; max-height: 46vh; }
.mlx.mlx .mlx-diff { border-collapse: collapse; font-family: var(--mlx-mono); font-size: 0.88em; min-width: 480px; table-layout: fixed; width: 100%; }
.mlx.mlx .mlx-diff th { font-family: var(--jp-ui-font-family, system-ui, sans-serif); padding: 3px 10px; }
.mlx.mlx .mlx-diff th:first-child, .mlx.mlx .mlx-diff td:nth-child(2) { border-right: 1px solid var(--mlx-line); }
.mlx.mlx .mlx-diff td { border-top: 0; padding: 0 8px; white-space: pre-wrap; }
.mlx.mlx .mlx-diff td.mlx-n { color: inherit; opacity: 0.6; text-align: right; white-space: nowrap; }
.mlx-diff .mlx-col-n { width: 4.5em; }
.mlx.mlx .mlx-diff code { color: inherit; font-size: 1em; white-space: pre-wrap; }
.mlx.mlx .mlx-diff .mlx-old { background: color-mix(in srgb, #d55e00 14%, transparent); }
.mlx.mlx .mlx-diff .mlx-new { background: color-mix(in srgb, #0072b2 16%, transparent); }
.mlx-diff mark { background: transparent; color: inherit; }
.mlx-diff .mlx-old mark { background: color-mix(in srgb, #d55e00 30%, transparent); }
.mlx-diff .mlx-new mark { background: color-mix(in srgb, #0072b2 36%, transparent); }
.mlx-diff .mlx-none { background: var(--mlx-soft); }
.mlx.mlx .mlx-diff .mlx-gap td { background: var(--mlx-soft); font-style: italic; opacity: 0.7; text-align: center; }
`,""]),l.d(r,{},{A:a})},314(e){e.exports=function(e){var r=[];return r.toString=function(){return this.map(function(r){var l="",o=void 0!==r[5];return r[4]&&(l+="@supports (".concat(r[4],") {")),r[2]&&(l+="@media ".concat(r[2]," {")),o&&(l+="@layer".concat(r[5].length>0?" ".concat(r[5]):""," {")),l+=e(r),o&&(l+="}"),r[2]&&(l+="}"),r[4]&&(l+="}"),l}).join("")},r.i=function(e,l,o,i,t){"string"==typeof e&&(e=[[null,e,void 0]]);var a={};if(o)for(var n=0;n<this.length;n++){var m=this[n][0];null!=m&&(a[m]=!0)}for(var x=0;x<e.length;x++){var p=[].concat(e[x]);o&&a[p[0]]||(void 0!==t&&(void 0===p[5]||(p[1]="@layer".concat(p[5].length>0?" ".concat(p[5]):""," {").concat(p[1],"}")),p[5]=t),l&&(p[2]&&(p[1]="@media ".concat(p[2]," {").concat(p[1],"}")),p[2]=l),i&&(p[4]?(p[1]="@supports (".concat(p[4],") {").concat(p[1],"}"),p[4]=i):p[4]="".concat(i)),r.push(p))}},r}},601(e){e.exports=function(e){return e[1]}},72(e){var r=[];function l(e){for(var l=-1,o=0;o<r.length;o++)if(r[o].identifier===e){l=o;break}return l}function o(e,o){for(var i={},t=[],a=0;a<e.length;a++){var n=e[a],m=o.base?n[0]+o.base:n[0],x=i[m]||0,p="".concat(m," ").concat(x);i[m]=x+1;var d=l(p),s={css:n[1],media:n[2],sourceMap:n[3],supports:n[4],layer:n[5]};if(-1!==d)r[d].references++,r[d].updater(s);else{var c=function(e,r){var l=r.domAPI(r);return l.update(e),function(r){r?(r.css!==e.css||r.media!==e.media||r.sourceMap!==e.sourceMap||r.supports!==e.supports||r.layer!==e.layer)&&l.update(e=r):l.remove()}}(s,o);o.byIndex=a,r.splice(a,0,{identifier:p,updater:c,references:1})}t.push(p)}return t}e.exports=function(e,i){var t=o(e=e||[],i=i||{});return function(e){e=e||[];for(var a=0;a<t.length;a++){var n=l(t[a]);r[n].references--}for(var m=o(e,i),x=0;x<t.length;x++){var p=l(t[x]);0===r[p].references&&(r[p].updater(),r.splice(p,1))}t=m}}},659(e){var r={};e.exports=function(e,l){var o=function(e){if(void 0===r[e]){var l=document.querySelector(e);if(window.HTMLIFrameElement&&l instanceof window.HTMLIFrameElement)try{l=l.contentDocument.head}catch(e){l=null}r[e]=l}return r[e]}(e);if(!o)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");o.appendChild(l)}},540(e){e.exports=function(e){var r=document.createElement("style");return e.setAttributes(r,e.attributes),e.insert(r,e.options),r}},56(e,r,l){e.exports=function(e){var r=l.nc;r&&e.setAttribute("nonce",r)}},825(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var r=e.insertStyleElement(e);return{update:function(l){var o,i,t;o="",l.supports&&(o+="@supports (".concat(l.supports,") {")),l.media&&(o+="@media ".concat(l.media," {")),(i=void 0!==l.layer)&&(o+="@layer".concat(l.layer.length>0?" ".concat(l.layer):""," {")),o+=l.css,i&&(o+="}"),l.media&&(o+="}"),l.supports&&(o+="}"),(t=l.sourceMap)&&"u">typeof btoa&&(o+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(t))))," */")),e.styleTagTransform(o,r,e.options)},remove:function(){var e;null===(e=r).parentNode||e.parentNode.removeChild(e)}}}},113(e){e.exports=function(e,r){if(r.styleSheet)r.styleSheet.cssText=e;else{for(;r.firstChild;)r.removeChild(r.firstChild);r.appendChild(document.createTextNode(e))}}},959(e,r,l){var o=l(72),i=l.n(o),t=l(825),a=l.n(t),n=l(659),m=l.n(n),x=l(56),p=l.n(x),d=l(540),s=l.n(d),c=l(113),f=l.n(c),g=l(646),u={};u.styleTagTransform=f(),u.setAttributes=p(),u.insert=m().bind(null,"head"),u.domAPI=a(),u.insertStyleElement=s(),i()(g.A,u),g.A&&g.A.locals&&g.A.locals}}]);