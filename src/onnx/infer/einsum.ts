/** An Einsum equation with ellipses spelled out: one label an axis; ellipsis axes are labelled '...0' and so on. */
export interface EinsumEquation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

/** Parses an Einsum equation against the operand shapes (ONNX Einsum-12); a string says what is wrong. */
export function parseEinsum(
  equation: string,
  shapes: readonly (readonly number[])[],
): EinsumEquation | string {
  const [left = '', right, ...more] = equation.replaceAll(/\s/g, '').split('->');
  if (more.length > 0) return 'more than one arrow';
  const terms = left.split(',');
  if (terms.length !== shapes.length) return `${terms.length} terms for ${shapes.length} operands`;

  const sizes = new Map<string, number>();
  const operands: string[][] = [];
  let ellipsis: string[] = [];
  for (const [k, term] of terms.entries()) {
    const shape = shapes[k]!;
    const named = labelsOf(term);
    if (!named) return `"${term}" is not a list of letters`;
    const hidden = shape.length - named.before.length - named.after.length;
    if (hidden < 0 || (hidden > 0 && !named.open)) return `"${term}" does not fit rank ${shape.length}`;
    const dots = Array.from({ length: hidden }, (_, i) => `...${hidden - 1 - i}`);
    if (dots.length > ellipsis.length) ellipsis = dots;
    const labels = [...named.before, ...dots, ...named.after];
    for (const [axis, label] of labels.entries()) {
      const size = shape[axis]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) return `label ${label} has sizes ${known} and ${size}`;
      sizes.set(label, known === 1 ? size : known);
    }
    operands.push(labels);
  }

  const output = right === undefined ? implicitOutput(operands, ellipsis) : explicitOutput(right, ellipsis);
  if (!output) return `"${right}" is not a list of letters`;
  const unknown = output.find((label) => !sizes.has(label));
  if (unknown !== undefined) return `label ${unknown} is in no operand`;
  return { operands, output, sizes };
}

function labelsOf(term: string): { before: string[]; after: string[]; open: boolean } | undefined {
  const match = /^([a-zA-Z]*)(\.\.\.)?([a-zA-Z]*)$/.exec(term);
  if (!match) return undefined;
  return { before: [...(match[1] ?? '')], after: [...(match[3] ?? '')], open: match[2] !== undefined };
}

function explicitOutput(right: string, ellipsis: readonly string[]): string[] | undefined {
  const named = labelsOf(right);
  return named && [...named.before, ...(named.open ? ellipsis : []), ...named.after];
}

/** Without an arrow: the ellipsis, then every label that occurs once, in alphabetical order. */
function implicitOutput(operands: readonly (readonly string[])[], ellipsis: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const label of operands.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const once = [...counts].filter(([label, n]) => n === 1 && !label.startsWith('.')).map(([label]) => label);
  return [...ellipsis, ...once.sort()];
}
