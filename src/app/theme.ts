import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple } from '@mantine/core';

/** Shades live in tokens.css as CSS variables; the tuple only makes the colour known by name. */
const lens: MantineColorsTuple = [
  '#dcefed',
  '#c8e5e2',
  '#9fd3ce',
  '#74c2bc',
  '#4cc7bd',
  '#1f958f',
  '#0a6e6c',
  '#085856',
  '#06403f',
  '#042b2a',
];

export const theme = createTheme({
  colors: { lens },
  primaryColor: 'lens',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'var(--mantine-font-family)',
  variantColorResolver: (input) => {
    const resolved = defaultVariantColorsResolver(input);
    return input.variant === 'filled' ? { ...resolved, color: 'var(--on-lens)' } : resolved;
  },
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
  },
});
