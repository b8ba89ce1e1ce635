package main

import (
	"github.com/xdg-go/scram"
)

// scramClient is what the library wants its user to bring for SCRAM.
type scramClient struct{ *scram.ClientConversation }

func (s *scramClient) Begin(user, password, authzID string) error {
	client, err := scram.SHA512.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	s.ClientConversation = client.NewConversation()
	return nil
}
