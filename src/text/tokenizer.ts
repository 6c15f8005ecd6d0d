import { type Encoding, Tokenizer } from '@huggingface/tokenizers';
import { charsmapNormalizer } from './charsmap.ts';

/** Token ids of several texts, each filled up to the context length. */
export interface TokenBatch {
  /** [texts, context], row after row. */
  ids: Int32Array;
  /** 1 for tokens of the text and its marks, 0 for padding; same shape. */
  attentionMask: Int32Array;
  shape: [texts: number, context: number];
  /** Texts that were too long, with the tokens that they have including the marks at both ends. */
  truncated: { text: number; tokens: number }[];
}

export interface TextTokenizer {
  /** Tokens that a text is cut or filled to. */
  readonly context: number;
  /** Ids as the Python library `transformers` gives for `padding="max_length", truncation=True`. */
  encode(texts: readonly string[]): TokenBatch;
}

/** OpenAI's CLIP reads 77 tokens (clip/clip.py, `context_length`). */
const clipContext = 77;

/**
 * A tokenizer from the files of a model folder.
 *
 * @param tokenizerJson the parsed `tokenizer.json`.
 * @param tokenizerConfig the parsed `tokenizer_config.json`; its `model_max_length` is the context length.
 * @param context overrides the context length, such as by `text_config.max_position_embeddings`.
 * @throws Error naming the file and what it lacks.
 */
export function createTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  context?: number,
): TextTokenizer {
  if (!isRecord(tokenizerJson) || !('model' in tokenizerJson)) {
    throw new Error(
      'tokenizer.json holds no tokenizer: an object with "model" is expected. Take the model folder’s own file',
    );
  }
  if (!isRecord(tokenizerConfig)) throw new Error('tokenizer_config.json holds no object');
  const tokenizer = new Tokenizer(
    {
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      added_tokens: [],
      ...tokenizerJson,
    },
    tokenizerConfig,
  );
  applyCharsmaps(tokenizer.normalizer);
  const length = context ?? contextOf(tokenizerConfig);
  const pad = padId(tokenizer, tokenizerJson, tokenizerConfig);
  return {
    context: length,
    encode: (texts) => encodeBatch(tokenizer, texts, length, pad),
  };
}

/** What to tell the person about texts that were cut; undefined when none was. */
export function truncationNotice(
  batch: Pick<TokenBatch, 'truncated' | 'shape'>,
  texts: readonly string[],
): string | undefined {
  const [first] = batch.truncated;
  if (!first) return undefined;
  const text = texts[first.text] ?? '';
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const others = batch.truncated.length - 1;
  return (
    `“${shown}” has ${first.tokens} tokens; the model reads ${batch.shape[1]}, so its end was left out` +
    (others > 0 ? `, as it was of ${others} other ${others === 1 ? 'text' : 'texts'}.` : '.')
  );
}

/** Ids as graphs with int64 inputs take them. */
export const toInt64 = (ids: Int32Array): BigInt64Array => BigInt64Array.from(ids, BigInt);

function encodeBatch(
  tokenizer: Tokenizer,
  texts: readonly string[],
  context: number,
  pad: number,
): TokenBatch {
  const ids = new Int32Array(texts.length * context).fill(pad);
  const attentionMask = new Int32Array(texts.length * context);
  const truncated: TokenBatch['truncated'] = [];
  for (const [text, content] of texts.entries()) {
    const whole: Encoding = tokenizer.encode(content);
    let row = whole.ids;
    if (row.length > context) {
      truncated.push({ text, tokens: row.length });
      row = truncate(row, tokenizer.encode(content, { add_special_tokens: false }).ids, context);
    }
    ids.set(row, text * context);
    attentionMask.fill(1, text * context, text * context + row.length);
  }
  return { ids, attentionMask, shape: [texts.length, context], truncated };
}

/** Cuts the end of the text itself and keeps the marks around it, as `transformers` does. */
function truncate(whole: readonly number[], content: readonly number[], context: number): number[] {
  const marks = whole.length - content.length;
  let before = 0;
  while (before < marks && !content.every((id, i) => whole[before + i] === id)) before++;
  const kept = Math.max(0, context - marks);
  return [...whole.slice(0, before + kept), ...whole.slice(before + content.length)].slice(0, context);
}

/** The library stands in NFKC for sentencepiece's table of replacements; this applies the table itself. */
function applyCharsmaps(normalizer: unknown): void {
  if (!isNormalizer(normalizer)) return;
  const { normalizers, charsmap } = normalizer;
  if (typeof charsmap === 'string' && charsmap !== '') {
    const bytes = Uint8Array.from(atob(charsmap), (c) => c.charCodeAt(0));
    Object.assign(normalizer, { normalize: charsmapNormalizer(bytes) });
  }
  if (Array.isArray(normalizers)) for (const part of normalizers) applyCharsmaps(part);
}

const isNormalizer = (value: unknown): value is { normalizers?: unknown; charsmap?: unknown } =>
  (typeof value === 'object' || typeof value === 'function') && value !== null;

function contextOf(config: Record<string, unknown>): number {
  const { model_max_length: length } = config;
  // Tokenizers without a limit state 1e30.
  return typeof length === 'number' && Number.isSafeInteger(length) && length > 0 && length < 1e6
    ? length
    : clipContext;
}

function padId(tokenizer: Tokenizer, json: Record<string, unknown>, config: Record<string, unknown>): number {
  const { pad_token: named } = config;
  const { content } = isRecord(named) ? named : { content: named };
  const id = typeof content === 'string' ? tokenizer.token_to_id(content) : undefined;
  if (id !== undefined) return id;
  const { padding } = json;
  const { pad_id: declared } = isRecord(padding) ? padding : {};
  if (typeof declared === 'number') return declared;
  throw new Error(
    'tokenizer_config.json names no pad_token of the vocabulary, which filling up short texts needs',
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
