/** A list of prompt templates that cannot be used; the message names the line. */
class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** The single template that CLIP's paper names as a default. */
const plainTemplate = 'a photo of a {}.';

/**
 * Reads templates, one a line, `{}` where the class name goes. Empty lines and lines that begin with `#` are left out.
 *
 * @throws TemplateError naming the line without a place for the name
 */
export function readTemplates(text: string, file = 'The list of templates'): string[] {
  const templates: string[] = [];
  for (const [i, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.replace(/^\ufeff/, '').trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!line.includes('{}')) {
      throw new TemplateError(`${file}, line ${i + 1}: “${line}” has no {} where the class name goes`);
    }
    templates.push(line);
  }
  if (templates.length === 0) throw new TemplateError(`${file} holds no template such as “${plainTemplate}”`);
  return templates;
}

/** Every class in every template: all prompts of the first class first. */
export function classPrompts(names: readonly string[], templates: readonly string[]): string[] {
  return names.flatMap((name) => templates.map((template) => template.replaceAll('{}', () => name)));
}
