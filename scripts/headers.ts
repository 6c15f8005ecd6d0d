/**
 * Response headers of every server that serves Acuity. Static hosts must send the same ones (docs/hosting.md):
 * COOP and COEP make the page cross-origin isolated, which the wasm provider needs for threads.
 */
const policy: Record<string, string[]> = {
  'default-src': ["'none'"],
  'script-src': ["'self'", "'wasm-unsafe-eval'"],
  'worker-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'blob:', 'data:'],
  'font-src': ["'self'"],
  'manifest-src': ["'self'"],
  'connect-src': ["'self'", 'blob:', 'https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'],
  'base-uri': ["'none'"],
  'object-src': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** Marks the inline snippets that Vite's development server adds; the built app has none. */
export const developmentNonce = 'acuity-development';

/** Headers of the built app, or of the development server, whose own snippets need a nonce and a socket. */
export function responseHeaders(development = false): Record<string, string> {
  const directives = { ...policy };
  if (development) {
    directives['script-src'] = [...policy['script-src']!, `'nonce-${developmentNonce}'`];
    directives['style-src'] = [...policy['style-src']!, `'nonce-${developmentNonce}'`];
    directives['connect-src'] = [...policy['connect-src']!, 'ws:'];
  }
  return {
    'Content-Security-Policy': Object.entries(directives)
      .map(([name, values]) => `${name} ${values.join(' ')}`)
      .join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}
