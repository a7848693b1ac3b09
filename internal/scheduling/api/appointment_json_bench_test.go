package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
)

// BenchmarkAppointmentPage encodes a page of 50 appointments as the server does, from the domain type with
// encoding/json, and from the generated types.
func BenchmarkAppointmentPage(b *testing.B) {
	page := pageOf50()
	b.Run("written", func(b *testing.B) {
		var buffer []byte
		for b.Loop() {
			buffer = appointmentPage(page).append(buffer[:0])
		}
	})
	b.Run("domain type", func(b *testing.B) {
		for b.Loop() {
			if _, err := json.Marshal(page.Data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("generated type", func(b *testing.B) {
		for b.Loop() {
			list := schedulingoapi.AppointmentList{Data: toSlice(page.Data, ToAPIAppointment), NextCursor: orNull(page.NextCursor)}
			if _, err := json.Marshal(list); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func pageOf50() keyset.List[booking.Appointment] {
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	var page keyset.List[booking.Appointment]
	for i := range 50 {
		at := start.Add(time.Duration(i) * time.Hour)
		resource := booking.ResourceReference{ID: uuid.New(), Name: "Room 7", Type: "ROOM"}
		service, customer := booking.Reference{ID: uuid.New(), Name: "Massage"}, booking.Reference{ID: uuid.New(), Name: "Carla Meyer"}
		page.Data = append(page.Data, booking.Appointment{
			ID: uuid.New(), Status: booking.StatusConfirmed, StartAt: at, EndAt: at.Add(time.Hour), ServiceID: service.ID, CustomerID: customer.ID,
			Service: service, Customer: customer, ResourceIDs: []uuid.UUID{resource.ID}, Resources: []booking.ResourceReference{resource},
			Price: money.Money{Amount: 4500, Currency: "USD"}, Notes: "Please call before", CreatedAt: start, UpdatedAt: start, Version: 1,
		})
	}
	return page
}
