/** Origins that the page's Content-Security-Policy refused, since this module was loaded; empty outside browsers. */
const refused = new Set<string>();

if (typeof addEventListener === 'function' && 'SecurityPolicyViolationEvent' in globalThis) {
  addEventListener('securitypolicyviolation', (event) => {
    const { effectiveDirective, blockedURI } = event as SecurityPolicyViolationEvent;
    const origin = URL.parse(blockedURI)?.origin;
    if (effectiveDirective === 'connect-src' && origin) refused.add(origin);
  });
}

/** Whether the policy that Acuity is served with kept it from asking a server, to which a request just failed. */
export async function refusedByPolicy(url: string): Promise<boolean> {
  // Browsers tell of a refusal a moment after the request has failed.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return refused.has(new URL(url).origin);
}
