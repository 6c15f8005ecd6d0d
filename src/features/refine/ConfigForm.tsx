import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type Draft, type DraftProblems, idleFields } from './draft.ts';
import { type Field, type FieldGroup, type FieldName, fieldGroups } from './fields.ts';
import { useRefine } from './store.ts';

/** Every setting of a run, in groups; the first group stands open. */
export function ConfigForm({ draft, problems }: { draft: Draft; problems: DraftProblems }) {
  const idle = idleFields(draft);
  return (
    <div className="config-form">
      {fieldGroups.map((group, index) => (
        <Group
          key={group.title}
          group={group}
          draft={draft}
          problems={problems}
          idle={idle}
          openFirst={index === 0}
        />
      ))}
    </div>
  );
}

interface GroupProps {
  group: FieldGroup;
  draft: Draft;
  problems: DraftProblems;
  idle: ReadonlySet<FieldName>;
  openFirst: boolean;
}

function Group({ group: { title, note, fields }, draft, problems, idle, openFirst }: GroupProps) {
  const [open, setOpen] = useState(openFirst);
  const wrong = fields.filter(({ name }) => problems[name] !== undefined).length;
  return (
    <details open={open || wrong > 0} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="config-form-title">{title}</span>
        <span className="config-form-digest">
          {wrong > 0 ? <b>{wrong} out of bounds</b> : digest(fields, draft)}
        </span>
      </summary>
      <p>{note}</p>
      <div className="config-form-fields">
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={draft[field.name]}
            problem={problems[field.name]}
            idle={idle.has(field.name)}
          />
        ))}
      </div>
    </details>
  );
}

/** The group's values in a line, readable while it is closed. */
function digest(fields: readonly Field[], draft: Draft): string {
  return fields
    .slice(0, 4)
    .map((field) => {
      const value = draft[field.name];
      return field.kind === 'choice'
        ? (field.options.find((option) => option.value === value)?.label ?? value)
        : `${field.label.toLowerCase()} ${value}`;
    })
    .join(', ');
}

interface FieldInputProps {
  field: Field;
  value: string;
  problem: string | undefined;
  idle: boolean;
}

function FieldInput({ field, value, problem, idle }: FieldInputProps) {
  const { edit } = useRefine.getState();
  const common = {
    label: field.label,
    description: idle ? `${field.help} Not used with the choices above.` : field.help,
    value,
    disabled: idle,
    error: problem,
    inputWrapperOrder: ['label', 'input', 'error', 'description'] as (
      | 'label'
      | 'input'
      | 'error'
      | 'description'
    )[],
  };
  if (field.kind === 'choice') {
    return (
      <NativeSelect
        {...common}
        data={[...field.options]}
        onChange={(event) => edit(field.name, event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...common}
      inputMode="decimal"
      autoComplete="off"
      spellCheck={false}
      rightSection={field.unit && <span className="config-form-unit">{field.unit}</span>}
      rightSectionWidth={field.unit ? 52 : undefined}
      onChange={(event) => edit(field.name, event.currentTarget.value)}
    />
  );
}
