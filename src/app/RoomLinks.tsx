import { IconChartBar, IconColumns2, IconCube, IconFocus2, IconPhoto, IconStack2 } from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { Link, useLocation } from 'wouter';
import { type RoomStatus, useRoomStatuses } from './room-status.ts';

const rooms: readonly {
  path: string;
  name: string;
  icon: ComponentType<{ size: number; stroke: number; 'aria-hidden': true }>;
  key: keyof ReturnType<typeof useRoomStatuses>;
}[] = [
  { path: '/models', name: 'Models', icon: IconCube, key: 'models' },
  { path: '/images', name: 'Images', icon: IconPhoto, key: 'images' },
  { path: '/refine', name: 'Refine', icon: IconFocus2, key: 'refine' },
  { path: '/compare', name: 'Compare', icon: IconColumns2, key: 'compare' },
  { path: '/evaluate', name: 'Evaluate', icon: IconChartBar, key: 'evaluate' },
  { path: '/checkpoints', name: 'Checkpoints', icon: IconStack2, key: 'checkpoints' },
];

/** The six rooms, each with a line on what it holds now. */
export function RoomLinks() {
  const [location] = useLocation();
  const statuses = useRoomStatuses();
  return (
    <nav className="rooms" aria-label="Rooms">
      <ul>
        {rooms.map(({ path, name, icon: Icon, key }) => {
          const status: RoomStatus = statuses[key];
          return (
            <li key={path}>
              <Link
                href={path}
                className={`room-link room-link-${status.tone}`}
                aria-label={name}
                aria-describedby={`room-${key}`}
                aria-current={location === path ? 'page' : undefined}
              >
                <Icon size={18} stroke={1.6} aria-hidden={true} />
                <span className="room-link-name">{name}</span>
                <span className="room-link-status" id={`room-${key}`}>
                  {status.text}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
