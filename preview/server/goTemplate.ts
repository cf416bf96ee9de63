/** The part of Go's text/template that plugin.json's routes use: `{{ .A.b }}` and `{{ if .A.b }}…{{ else }}…{{ end }}`. */

export type TemplateData = Record<string, Record<string, unknown>>;

const CONDITION = /\{\{-?\s*if\s+(\.[\w.]+)\s*-?\}\}(.*?)(?:\{\{-?\s*else\s*-?\}\}(.*?))?\{\{-?\s*end\s*-?\}\}/gs;
const VALUE = /\{\{-?\s*(\.[\w.]+)\s*-?\}\}/g;

export function renderGoTemplate(template: string, data: TemplateData): string {
  return template
    .replace(CONDITION, (_all, path: string, then: string, otherwise = '') => (lookUp(path, data) ? then : otherwise))
    .replace(VALUE, (_all, path: string) => String(lookUp(path, data) ?? ''));
}

function lookUp(path: string, data: TemplateData): unknown {
  const [, group, ...name] = path.split('.');
  return data[group]?.[name.join('.')];
}
