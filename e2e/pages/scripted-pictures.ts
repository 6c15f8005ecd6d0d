import { numbers } from './scripted-data.ts';

const grounds = ['#dfe8ea', '#f0e4d3', '#d8e6d6', '#e8dcea', '#2c3e4a', '#46523c'];
const inks = ['#c2402c', '#1f6f8b', '#d59a1b', '#3c7a45', '#7b4b94', '#d7dde0'];

/** A little scene of shapes, always the same for the same path. */
export async function drawScene(path: string): Promise<Blob> {
  const random = numbers([...path].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 17));
  const canvas = new OffscreenCanvas(96, 96);
  const context = canvas.getContext('2d')!;
  const ground = context.createLinearGradient(0, 0, 0, 96);
  const base = grounds[Math.floor(random() * grounds.length)]!;
  ground.addColorStop(0, base);
  ground.addColorStop(1, 'rgb(120 120 110)');
  context.fillStyle = ground;
  context.fillRect(0, 0, 96, 96);
  const count = 1 + Math.floor(random() * 3);
  for (let index = 0; index < count; index++) {
    context.save();
    context.translate(20 + random() * 56, 24 + random() * 48);
    context.rotate(random() * Math.PI * 2);
    context.fillStyle = inks[Math.floor(random() * inks.length)]!;
    shape(context, Math.floor(random() * 4), 10 + random() * 12);
    context.restore();
  }
  return canvas.convertToBlob({ type: 'image/png' });
}

function shape(context: OffscreenCanvasRenderingContext2D, kind: number, size: number) {
  context.beginPath();
  if (kind === 0) context.arc(0, 0, size, 0, Math.PI * 2);
  if (kind === 1) context.rect(-size, -size * 0.7, size * 2, size * 1.4);
  if (kind === 2) {
    context.moveTo(0, -size);
    context.lineTo(size, size);
    context.lineTo(-size, size);
  }
  if (kind === 3) context.ellipse(0, 0, size * 1.3, size * 0.6, 0, 0, Math.PI * 2);
  context.closePath();
  context.fill();
  context.strokeStyle = 'rgb(20 30 30 / 0.35)';
  context.lineWidth = 2;
  context.stroke();
}
