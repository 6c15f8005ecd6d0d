import { ringPath } from '../features/shared/Ring.tsx';

/** Rows of an acuity chart: ring size and the gaps' directions. */
const rows = [
  { size: 92, turns: [180] },
  { size: 68, turns: [0, 270] },
  { size: 50, turns: [90, 315, 180] },
  { size: 37, turns: [225, 0, 90, 270] },
  { size: 27, turns: [0, 135, 270, 45, 180] },
  { size: 19, turns: [90, 180, 0, 225, 315, 90] },
  { size: 13, turns: [270, 45, 180, 0, 90, 135, 225] },
] as const;

const width = 460;
const lens = { x: 262, y: 222, r: 136 };

interface Mark {
  x: number;
  y: number;
  size: number;
  turn: number;
}

/** Places the rings row by row, centred, with gaps as wide as the rings. */
function layOut(): Mark[] {
  let top = 14;
  return rows.flatMap(({ size, turns }) => {
    const pitch = size * 1.62 + 14;
    const left = width / 2 - (pitch * (turns.length - 1)) / 2;
    const y = top + size / 2;
    top += size + 23;
    return turns.map((turn, index) => ({ x: left + index * pitch, y, size, turn }));
  });
}

const marks = layOut();

/** A chart of Landolt rings as the encoder sees it: blurred, but for what lies under the lens. */
export function AcuityChart() {
  return (
    <svg className="acuity-chart" viewBox={`0 0 ${width} 480`} aria-hidden="true" focusable="false">
      <defs>
        <filter id="acuity-blur" x="-20%" y="-20%" width="140%" height="140%">
          <feGaussianBlur stdDeviation="4.5" />
        </filter>
        <clipPath id="acuity-lens">
          <circle cx={lens.x} cy={lens.y} r={lens.r} />
        </clipPath>
      </defs>
      <g className="acuity-blurred" filter="url(#acuity-blur)">
        <Rings />
      </g>
      <circle className="acuity-glass" cx={lens.x} cy={lens.y} r={lens.r} />
      <g className="acuity-sharp" clipPath="url(#acuity-lens)">
        <Rings />
      </g>
      <circle className="acuity-rim" cx={lens.x} cy={lens.y} r={lens.r} />
      <path className="acuity-ticks" d={ticks()} />
    </svg>
  );
}

function Rings() {
  return marks.map(({ x, y, size, turn }) => (
    <path
      key={`${x} ${y}`}
      d={ringPath}
      transform={`translate(${x - size / 2} ${y - size / 2}) scale(${size / 100}) rotate(${turn} 50 50)`}
    />
  ));
}

/** The trial lens's axis scale: a tick every ten degrees outside its rim. */
function ticks(): string {
  return Array.from({ length: 36 }, (_, index) => {
    const angle = (index * Math.PI) / 18;
    const long = index % 9 === 0;
    const [inner, outer] = [lens.r + 5, lens.r + (long ? 15 : 10)];
    const at = (radius: number) =>
      `${(lens.x + radius * Math.cos(angle)).toFixed(1)} ${(lens.y + radius * Math.sin(angle)).toFixed(1)}`;
    return `M ${at(inner)} L ${at(outer)}`;
  }).join(' ');
}
