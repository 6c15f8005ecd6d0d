import type { Rule, RuleContext } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';

/**
 * Einsum of any number of operands: the gradient of one operand is the Einsum of the output's gradient with the
 * other operands, read out in its own labels. A label that occurs in one operand alone was summed there, so its
 * gradient is repeated along it. A label repeated within an operand (a diagonal) is refused.
 */
export const einsum: Rule = (c) => {
  const { b } = c;
  const { operands, output } = parse(c);
  const sizes = new Map<string, number>();
  for (const [i, labels] of operands.entries()) {
    for (const [axis, label] of labels.entries()) {
      sizes.set(label, Math.max(sizes.get(label) ?? 1, c.shape(i)[axis]!));
    }
  }

  // An axis of size one under a longer label was broadcast: without the axis, the label is simply summed away.
  const squeezed = operands.map((labels, i) => {
    const kept = labels.filter((label, axis) => c.shape(i)[axis] === sizes.get(label));
    return { labels: kept, shape: kept.map((label) => sizes.get(label)!) };
  });
  const operandNames = squeezed.map((operand, i) => () => reshape(b, c.inputs[i]!, operand.shape));

  return squeezed.map(({ labels, shape }, i) => {
    if (!c.wants(i)) return undefined;
    const others = squeezed.flatMap((other, j) =>
      j === i ? [] : [{ labels: other.labels, name: operandNames[j]!() }],
    );
    const factors = [{ labels: output, name: c.grad }, ...others];
    const found = labels.filter((label) => factors.some((factor) => factor.labels.includes(label)));
    const equation = `${factors.map((factor) => factor.labels.join('')).join(',')}->${found.join('')}`;
    let grad = b.op(
      'Einsum',
      factors.map((factor) => factor.name),
      { equation },
    );
    if (found.length < labels.length) {
      grad = reshape(
        b,
        grad,
        labels.map((label) => (found.includes(label) ? sizes.get(label)! : 1)),
      );
      grad = b.op('Expand', [grad, b.ints(shape)]);
    }
    return reshape(b, grad, c.shape(i));
  });
};

interface Equation {
  operands: string[][];
  output: string[];
}

/** Reads the equation, each ellipsis replaced by labels of its own, aligned at the right as broadcasting has it. */
function parse(c: RuleContext): Equation {
  const text = c.string('equation', '').replaceAll(/\s/g, '');
  const [left = '', right] = text.split('->');
  const terms = left.split(',');
  const free = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter(
    (label) => !text.includes(label),
  );
  const spans = terms.map((term, i) => (term.includes('...') ? c.shape(i).length - (term.length - 3) : 0));
  const span = Math.max(0, ...spans);
  const dots = free.slice(0, span);
  if (terms.length !== c.inputs.length || dots.length < span) {
    c.refuse(
      `Equation "${text}" does not fit ${c.inputs.length} operands`,
      'Correct the equation of this node',
    );
  }

  const operands = terms.map((term, i) => labelsOf(term, dots.slice(span - spans[i]!)));
  for (const labels of operands) {
    if (new Set(labels).size < labels.length) {
      c.refuse(
        `Equation "${text}" takes a diagonal, which has no derivative rule`,
        'Write it with Mul and ReduceSum',
      );
    }
  }
  if (right !== undefined) return { operands, output: labelsOf(right, dots) };
  const named = operands.flat().filter((label) => !dots.includes(label));
  const once = named.filter((label) => named.indexOf(label) === named.lastIndexOf(label)).sort();
  return { operands, output: [...dots, ...once] };
}

function labelsOf(term: string, dots: readonly string[]): string[] {
  const [before = '', after] = term.split('...');
  return after === undefined ? [...before] : [...before, ...dots, ...after];
}
