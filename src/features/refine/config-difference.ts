import { type PresetName, presets, type RefineConfig } from '../../method/config.ts';
import { formatQuantity } from '../shared/format.ts';
import { type FieldName, fieldLabels, flatten } from './fields.ts';

/** The presets by the names that the form shows. */
export const presetLabels: Record<PresetName, string> = {
  quick: 'Quick',
  diva: 'DIVA',
  genhancer: 'GenHancer style',
  textInverse: 'Text inverse',
};

export interface Difference {
  name: FieldName;
  label: string;
  from: string;
  to: string;
}

/** What `config` has otherwise than `base`, in the form's order. */
export function differences(config: RefineConfig, base: RefineConfig): Difference[] {
  const mine = flatten(config);
  const theirs = flatten(base);
  const order = Object.keys(fieldLabels) as FieldName[];
  return order
    .filter((name) => mine[name] !== theirs[name])
    .map((name) => ({
      name,
      label: fieldLabels[name] ?? name,
      from: show(theirs[name]),
      to: show(mine[name]),
    }));
}

function show(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? String(value) : formatQuantity(value);
}

/** The preset that `config` is nearest to, and what differs. */
export function nearestPreset(config: RefineConfig): { preset: PresetName; differences: Difference[] } {
  const ranked = (Object.keys(presets) as PresetName[])
    .map((preset) => ({ preset, differences: differences(config, presets[preset]) }))
    .sort((a, b) => a.differences.length - b.differences.length);
  return ranked[0]!;
}
