import { ActionIcon, Tooltip } from '@mantine/core';
import { IconBrightness, IconMoon, IconSun } from '@tabler/icons-react';
import { type SchemeChoice, useSchemeChoice } from './color-scheme.ts';

const next: Record<SchemeChoice, SchemeChoice> = { auto: 'light', light: 'dark', dark: 'auto' };
const names: Record<SchemeChoice, string> = { auto: 'as the system', light: 'light', dark: 'dark' };
const icons = { auto: IconBrightness, light: IconSun, dark: IconMoon };

/** Goes round: as the system, light, dark. */
export function SchemeSwitch() {
  const { choice, choose } = useSchemeChoice();
  const Icon = icons[choice];
  return (
    <Tooltip label={`Colours: ${names[choice]}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={32}
        aria-label={`Colours: ${names[choice]}. Change to ${names[next[choice]]}`}
        onClick={() => choose(next[choice])}
      >
        <Icon size={18} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}
