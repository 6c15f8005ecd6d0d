import { Checkbox, PasswordInput } from '@mantine/core';
import { useHubToken } from './hub-token.ts';

/** The token that all visits to the hub share. */
export function TokenField() {
  const token = useHubToken((state) => state.token);
  const keep = useHubToken((state) => state.kept);
  const { setToken } = useHubToken.getState();
  return (
    <details>
      <summary>Access token, for what is gated or private</summary>
      <PasswordInput
        size="xs"
        aria-label="Access token"
        autoComplete="off"
        value={token}
        onChange={(event) => setToken(event.currentTarget.value, keep)}
      />
      <Checkbox
        size="xs"
        label="Keep it in this browser"
        checked={keep}
        onChange={(event) => setToken(token, event.currentTarget.checked)}
      />
      <p>It is sent to the hub alone, and forgotten with this page unless kept.</p>
    </details>
  );
}
